"""The checks of problem 3, the softmax Jacobian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwlib.homework._answer import Answer, Failed, array
from hwlib.homework._problem import Check, Mistake, Part, Rng, alike, gives, wrong
from hwlib.softmax import log_softmax, softmax

STEP = 2.0**-20  # of a central difference of values near 1: it truncates and rounds below 1e-9
NEAR = 1e-6  # of such differences, and of answers in float32
FAR = 2.0**13  # whose exponential is infinite
APART = 2.0**16  # so far that no small difference remains


def _scores(rng: Rng) -> np.ndarray:
    return 2 * rng.normal(size=int(rng.integers(3, 7)))


def _ratios(answer: Answer, rng: Rng) -> None:
    for _ in range(5):
        z = _scores(rng)
        y = array(answer(z), z.shape, "What softmax returns")
        log_ratios = np.subtract.outer(z, z)
        if (y <= 0).any() or not alike(y.sum(), 1.0):
            told = "The results are not probabilities: all positive, with the sum 1."
            raise wrong(_PROBABILITIES, told, y, z)
        if not alike(np.divide.outer(y, y), np.exp(log_ratios)):
            told = "The ratio of two probabilities should be exp of the difference of their scores."
            raise wrong(_PROBABILITIES, told, y, z)


def _large(answer: Answer, rng: Rng) -> None:
    z = np.rint(64 * _scores(rng)) / 64  # nothing that follows is rounded, in float32 neither
    near = array(answer(z), z.shape, "What softmax returns")
    if not alike(near, softmax(z)):
        told = "It is not the softmax, of scores of any size."
        raise wrong(_PROBABILITIES, told, near, z)
    for shift in (FAR, -FAR):
        far = array(answer(z + shift), z.shape, "What softmax returns", finite=False)
        if not np.isfinite(far).all():
            raise Failed(_UNSHIFTED.idea)
        if not alike(far, near):
            raise Failed("Adding one number to all scores should not change any probability.")
    turned = [np.roll(sign * APART * z, turn) for turn in range(len(z)) for sign in (1, -1)]
    for apart in turned:  # each place has the largest in one of them
        found = array(answer(apart), z.shape, "What softmax returns", finite=False)
        if not np.isfinite(found).all():
            raise Failed(_STILL_LARGE.idea)
        if not alike(found, softmax(apart)):
            raise Failed("Scores that are far apart get the wrong probabilities.")


_UNSHIFTED = Mistake(
    "not-shifted",
    "With scores of 8,000 the exponential overflows, with −8,000 all of them vanish. Only "
    "differences of scores matter, so you may subtract what you like from all of them.",
    lambda found, z: not np.isfinite(found).all(),
)
_STILL_LARGE = Mistake(
    "shifted-too-little",
    "Scores that are far apart still overflow: after your shift some of them are large. What has "
    "to be subtracted so that none is?",
    lambda found, z: not np.isfinite(found).all(),
)
_PROBABILITIES = (
    Mistake(
        "not-normalized",
        "These are the exponentials. What makes them sum to 1?",
        lambda found, z: alike(found / found[0], np.exp(z - z[0])) and not alike(found.sum(), 1.0),
    ),
    Mistake("logarithm", "These are the logarithms of the probabilities.", gives(log_softmax)),
    Mistake(
        "no-exponential",
        "The scores themselves were divided by their sum. What makes every score positive first?",
        gives(lambda z: z / z.sum()),
    ),
    Mistake(
        "sigmoid",
        "Each score was squashed by itself, so the results do not sum to 1. A probability depends "
        "on all scores.",
        gives(lambda z: 1 / (1 + np.exp(-z))),
    ),
    _UNSHIFTED,
    _STILL_LARGE,
)


Function = Callable[[np.ndarray], np.ndarray]


def _derivative(function: Function, z: np.ndarray) -> np.ndarray:
    """Column j: the central difference of a function of z in entry j."""
    moves = STEP * np.eye(len(z))
    return np.stack([(function(z + e) - function(z - e)) / (2 * STEP) for e in moves], axis=1)


def _matrix(answer: Answer, z: np.ndarray) -> np.ndarray:
    return array(answer(z), (len(z), len(z)), f"What {answer.name} returns")


def _compare(
    answer: Answer, rng: Rng, of: Function, mistakes: tuple[Mistake, ...], on: bool
) -> None:
    """Hold the diagonal, or all that is off it, against differences of a function."""
    for _ in range(4):
        z = _scores(rng)
        found = _matrix(answer, z)
        places = np.eye(len(z), dtype=bool) == on
        if np.abs(found - _derivative(of, z))[places].max() > NEAR:
            where = "On the diagonal" if on else "Off the diagonal"
            told = f"{where}, differences of the function itself say otherwise."
            raise wrong(mistakes, told, found, z)


def _log_on(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, log_softmax, _OF_LOG, True)


def _log_off(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, log_softmax, _OF_LOG, False)


def _jacobian_on(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, softmax, _OF_SOFTMAX, True)


def _jacobian_off(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, softmax, _OF_SOFTMAX, False)
    _identities(answer, rng)


def _identities(answer: Answer, rng: Rng) -> None:
    """Rows sum to 0, it is symmetric, and no direction has a negative curvature."""
    for _ in range(4):
        z = _scores(rng)
        J = _matrix(answer, z)
        if np.abs(J.sum(axis=1)).max() > NEAR:
            told = "The entries of each row should sum to 0, since a common shift changes nothing."
            raise wrong(_OF_SOFTMAX, told, J, z)
        if np.abs(J - J.T).max() > NEAR:
            raise wrong(_OF_SOFTMAX, "The matrix should be symmetric.", J, z)
        if np.linalg.eigvalsh(J).min() < -NEAR or np.trace(J) < NEAR:
            told = "The matrix should be positive semi-definite, and not 0."
            raise wrong(_OF_SOFTMAX, told, J, z)


def _delta_minus(y: np.ndarray) -> np.ndarray:
    return np.asarray(np.eye(len(y)) - y)


_OF_LOG = (
    Mistake(
        "log-transposed",
        "Row and column are exchanged: which probability remains after the derivative in z_j, that "
        "of i or that of j?",
        gives(lambda z: _delta_minus(softmax(z)).T),
    ),
    Mistake(
        "log-of-softmax",
        "This is the derivative of the probability itself. Here that of its logarithm is asked "
        "for, which is simpler.",
        gives(lambda z: softmax(z)[:, None] * _delta_minus(softmax(z))),
    ),
    Mistake(
        "log-no-delta",
        "One of the two terms of the logarithm is missing: the score itself also depends on z_j, "
        "in one case.",
        gives(lambda z: -np.tile(softmax(z), (len(z), 1))),
    ),
    Mistake(
        "log-sign",
        "The sign is wrong everywhere: does the sum of exponentials stand above or below the line?",
        gives(lambda z: -_delta_minus(softmax(z))),
    ),
    Mistake(
        "log-only-diagonal",
        "Only the case i = j is there. The other scores enter through the sum.",
        gives(lambda z: np.diag(1 - softmax(z))),
    ),
)
_OF_SOFTMAX = (
    Mistake(
        "off-diagonal-missing",
        "Each probability depends on all scores, by way of the sum: entries off the diagonal are "
        "missing.",
        gives(lambda z: np.diag(softmax(z) * (1 - softmax(z)))),
    ),
    Mistake(
        "log-derivative",
        "This is the derivative of the logarithm of the probability. By the chain rule, what "
        "factor leads back to the probability?",
        gives(lambda z: _delta_minus(softmax(z))),
    ),
    Mistake(
        "diagonal-missing",
        "The case i = j has a second term, in which the score stands above the line.",
        gives(lambda z: -np.outer(softmax(z), softmax(z))),
    ),
    Mistake(
        "plus-outer",
        "If one score grows, the other probabilities shrink: look at the sign off the diagonal.",
        gives(lambda z: np.diag(softmax(z)) + np.outer(softmax(z), softmax(z))),
    ),
    Mistake(
        "wrong-factor",
        "The factor in front is that of the column. Which probability is differentiated, i or j?",
        gives(lambda z: softmax(z)[None, :] * _delta_minus(softmax(z))),
    ),
)

CHECKS = (
    Check(
        "3a",
        "softmax",
        (
            Part("Probabilities with the right ratios", 0.5, _ratios),
            Part("Scores of any size", 0.5, _large),
        ),
        _PROBABILITIES,
    ),
    Check(
        "3b",
        "log_derivative",
        (
            Part("The case i = j", 0.5, _log_on),
            Part("The case i ≠ j", 0.5, _log_off),
        ),
        _OF_LOG,
    ),
    Check(
        "3c",
        "jacobian",
        (
            Part("The diagonal", 0.5, _jacobian_on),
            Part("Off the diagonal; row sums, symmetry and eigenvalues", 0.5, _jacobian_off),
        ),
        _OF_SOFTMAX,
    ),
)
