"""The checks of problem 1, the ℓ1 loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog

from hwlib import lad
from hwlib.homework._answer import Answer, Failed, array, described, sequence
from hwlib.homework._problem import Check, Mistake, Part, Rng, alike, gives, wrong

TOLERANCE = 1e-6  # relative; solvers of linear programs stop at about 1e-9


def _columns(rng: Rng, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, w and y with the sizes of the problem: n × d, d × 1 and n × 1."""
    d = int(rng.integers(2, 6))
    X, w = rng.normal(size=(n, d)), rng.normal(size=(d, 1))
    residuals = rng.choice([-1, 1], size=(n, 1)) * rng.uniform(0.5, 5, size=(n, 1))
    return X, w, X @ w - residuals  # none is so small that rounding is a large part of it


def _loss(answer: Answer, X: np.ndarray, w: np.ndarray, y: np.ndarray) -> float:
    value = answer(X, w, y)
    if np.ndim(value) != 0:
        raise Failed(
            f"The loss is one number, but l1_loss returns {described(value)}. Add up over all axes."
        )
    return float(array(value, (), "What l1_loss returns"))


def _one_example(answer: Answer, rng: Rng) -> None:
    for _ in range(5):
        X, w, y = _columns(rng, 1)
        found, r = _loss(answer, X, w, y), float((X @ w - y)[0, 0])
        if not alike(found, abs(r)):
            told = "For a single example the loss is the distance between prediction and target."
            raise wrong(_LOSSES, told, found, X, w, y)


def _all_examples(answer: Answer, rng: Rng) -> None:
    for _ in range(5):
        X, w, y = _columns(rng, int(rng.integers(7, 20)))
        found = _loss(answer, X, w, y)
        parts = [_loss(answer, X[[i]], w, y[[i]]) for i in range(len(X))]
        right_alone = alike(parts, list(np.abs(X @ w - y)[:, 0]))
        if not alike(found, sum(parts)) or not right_alone:
            told = "The loss of all examples is not the sum of the losses of each."
            raise wrong(_LOSSES, told, found, X, w, y)


_LOSSES = (
    Mistake(
        "squared",
        "That is the loss of least squares. What does the 1 in ‖·‖₁ say about each residual?",
        gives(lambda X, w, y: ((X @ w - y) ** 2).sum()),
    ),
    Mistake(
        "euclidean",
        "That is the Euclidean norm of the residuals, which is what a norm is by default. This "
        "problem is about another one.",
        lambda found, X, w, y: len(X) > 1 and alike(found, np.linalg.norm(X @ w - y)),
    ),
    Mistake(
        "mean",
        "A mean is not a norm: it does not grow with the number of examples.",
        lambda found, X, w, y: len(X) > 1 and alike(found, np.abs(X @ w - y).mean()),
    ),
    Mistake(
        "signed",
        "Residuals of opposite signs cancel. When does the absolute value come, before or after "
        "adding up?",
        lambda found, X, w, y: alike(np.abs(found), np.abs((X @ w - y).sum())),
    ),
    Mistake(
        "broadcast",
        "A column and a row were subtracted, which makes a whole matrix of differences. Look at "
        "the shapes of Xw and y.",
        lambda found, X, w, y: len(X) > 1 and alike(found, np.abs(X @ w - y.ravel()).sum()),
    ),
)


def _regression(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    n, d = int(rng.integers(15, 30)), int(rng.integers(3, 5))
    X = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    return X, X @ np.array([-2.0, -6.0, 5.0, 1.0])[:d] + rng.laplace(size=n)


def _solution(answer: Answer, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, Any]:
    w, s = sequence(answer(X, y), 2, "solve_l1", "the pair (w, s)")
    return array(w, X.shape[1:], "w"), s


def _is_smallest(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> bool:
    loss = float(np.abs(X @ w - y).sum())
    return loss <= 2 * lad.fit(X, y).objective * (1 + TOLERANCE)


def _smallest(answer: Answer, rng: Rng) -> None:
    for _ in range(3):
        X, y = _regression(rng)
        w, _s = _solution(answer, X, y)
        if not _is_smallest(X, y, w):
            told = "Another w has a smaller loss than the one returned."
            raise wrong(_COEFFICIENTS, told, w, X, y)


def _certificate(answer: Answer, rng: Rng) -> None:
    for _ in range(3):
        X, y = _regression(rng)
        w, s = _solution(answer, X, y)
        s = array(s, y.shape, "s")
        told = _not_a_proof(X, y, w, s)
        if told:
            raise wrong(_CERTIFICATES, told, s, X, y, w)


def _not_a_proof(X: np.ndarray, y: np.ndarray, w: np.ndarray, s: np.ndarray) -> str:
    """What s lacks as a proof that w is optimal; nothing, if it lacks nothing."""
    if np.abs(s).max() > 1 + TOLERANCE:
        return "An entry of s exceeds 1 in size: it is no slope of the absolute value."
    if np.abs(X.T @ s).max() > TOLERANCE * np.abs(X).sum(axis=0).max():
        return "s is not orthogonal to the columns of X."
    loss = np.abs(X @ w - y).sum()
    if abs(y @ s - loss) > TOLERANCE * loss:
        return "Primal and dual differ: the bound that s proves is not the loss of w."
    return ""


def _nonnegative(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The best w without negative entries."""
    n, d = X.shape
    cost = np.concatenate([np.zeros(d), np.ones(2 * n)])
    split = np.hstack([X, np.eye(n), -np.eye(n)])
    w: np.ndarray = linprog(cost, A_eq=split, b_eq=y, method="highs").x[:d]
    return w


def _without_intercept(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], lad.fit(X[:, 1:], y).coef])


def _signs(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Signs of the residuals, 0 where a row is fitted."""
    r = y - X @ w
    return np.where(np.abs(r) < TOLERANCE, 0.0, np.sign(r))


def _is_zero_where_fitted(s: np.ndarray, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> bool:
    """Whether w is optimal, and s only signs and zeros."""
    signs = _signs(X, y, w)
    return _is_smallest(X, y, w) and not signs.all() and alike(np.abs(s), np.abs(signs))


_COEFFICIENTS = (
    Mistake(
        "least-squares",
        "These are the coefficients of least squares. They do not minimize the ℓ1 loss: no "
        "formula does, so a linear program has to be solved.",
        gives(lambda X, y: np.linalg.lstsq(X, y, rcond=None)[0]),
    ),
    Mistake(
        "nonnegative",
        "This is the best w without negative entries. What bounds does linprog give to a variable "
        "for which you name none?",
        gives(_nonnegative),
    ),
    Mistake(
        "no-intercept",
        "The first column of X, the intercept, was left out.",
        gives(_without_intercept),
    ),
)
_CERTIFICATES = (
    Mistake(
        "opposite-sign",
        "The bound that s proves has the opposite sign of the loss. Are your residuals y − Xw or "
        "Xw − y?",
        lambda s, X, y, w: not _not_a_proof(X, y, w, -s),
    ),
    Mistake(
        "zero-where-fitted",
        "Where a residual is 0 the slope of the absolute value may be any number between −1 and 1, "
        "and there it is what makes s orthogonal to the columns of X. You took 0.",
        _is_zero_where_fitted,
    ),
    Mistake(
        "half",
        "This is half of s: it belongs to half of the loss.",
        lambda s, X, y, w: not _not_a_proof(X, y, w, 2 * s),
    ),
    Mistake(
        "residuals",
        "s holds the residuals themselves. It should hold slopes of the absolute value.",
        lambda s, X, y, w: alike(np.abs(s), np.abs(y - X @ w)),
    ),
)

CHECKS = (
    Check(
        "1a",
        "l1_loss",
        (
            Part("The loss of one example", 0.5, _one_example),
            Part("The loss of all examples", 0.5, _all_examples),
        ),
        _LOSSES,
    ),
    Check(
        "1b",
        "solve_l1",
        (
            Part("No w has a smaller loss", 0.5, _smallest),
            Part("s proves it: primal equals dual", 0.5, _certificate),
        ),
        (*_COEFFICIENTS, *_CERTIFICATES),
    ),
)
