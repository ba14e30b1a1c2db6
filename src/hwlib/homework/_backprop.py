"""The checks of problem 5, back-propagation from scratch.

Examples are rows, and the weights of a layer are n_in × n_out, as in :mod:`hwlib.backprop`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hwlib.homework._answer import Answer, Failed, array, sequence
from hwlib.homework._passes import (
    Arrays,
    activate,
    backward,
    clear_of_kinks,
    derivative,
    differences,
    loss,
    small_batch,
    small_network,
)
from hwlib.homework._pictures import PREDICTIONS, reaches
from hwlib.homework._problem import Check, Mistake, Part, Rng, alike, gives, wrong
from hwlib.softmax import softmax

NEAR = 1e-5  # of central differences, relative to the largest entry
SIZES = (300, 120, 400, 10)  # so many weights that their variance is known to one percent
SURE = 0.05  # relative: eight standard deviations of the variance of 36,000 numbers and more
HUGE, SHIFT = 1e5, 2e7  # of scores: the shift decides the signs of all
NEARLY = 100.0  # the two largest nearly agree: float32 rounds them too much to tell
ENOUGH, HALF = 0.7, 0.5


def _initial(answer: Answer, rng: Rng) -> None:
    state = rng.bit_generator.state
    weights, biases = sequence(
        answer(SIZES, rng), 2, "initial_weights", "the pair (weights, biases)"
    )
    n = len(SIZES) - 1
    weights = sequence(weights, n, "initial_weights", f"{n} matrices for {n} layers")
    biases = sequence(biases, n, "initial_weights", f"{n} vectors of biases for {n} layers")
    for W, b, shape in zip(weights, biases, pairwise(SIZES), strict=True):
        if np.shape(W) == shape[::-1]:
            raise Failed(_TRANSPOSED.idea)
        W, b = array(W, shape, "A weight matrix"), array(b, shape[1:], "A vector of biases")
        if b.any():
            raise Failed("The biases should start at 0.")
        deviation = W.std()
        if abs(W.mean()) > 5 * max(deviation, 1e-9) / np.sqrt(W.size):
            raise wrong(_WEIGHTS, "The mean of the weights should be 0.", W, shape)
        if abs(W.var() * max(shape) - 1) > 2 * SURE + 3 / np.sqrt(W.size):
            told = "The variance of the weights should be 1/max(n_in, n_out)."
            raise wrong(_WEIGHTS, told, W, shape)
    if rng.bit_generator.state == state:
        raise Failed(_OTHER_GENERATOR.idea)


_OTHER_GENERATOR = Mistake(
    "other-generator",
    "The weights are not drawn from the generator rng that the function is given.",
    lambda before, after: bool(before == after),
)
_TRANSPOSED = Mistake(
    "transposed",
    "A weight matrix is transposed: examples are rows here, so a layer computes a @ W + b.",
    lambda found, shape: np.shape(found) == shape[::-1],
)


def _variance(value: Callable[[tuple[int, int]], float]) -> Callable[..., bool]:
    """Whether the weights have this variance in place of the right one."""

    def fits(W: np.ndarray, shape: tuple[int, int]) -> bool:
        is_other = abs(value(shape) * max(shape) - 1) > 4 * SURE
        return is_other and abs(W.var() / value(shape) - 1) < 2 * SURE

    return fits


_WEIGHTS = (
    Mistake(
        "all-equal",
        "All weights of a layer are equal. Then all of its units compute the same, and learn the "
        "same, for ever.",
        lambda W, shape: bool(W.std() == 0),
    ),
    Mistake(
        "variance-as-deviation",
        "The standard deviation is 1/max(n_in, n_out), but the variance should be. How do the two "
        "belong together?",
        _variance(lambda shape: max(shape) ** -2),
    ),
    Mistake(
        "variance-one",
        "The weights have the variance 1: with so many inputs, every sigmoid is saturated.",
        _variance(lambda shape: 1.0),
    ),
    Mistake(
        "fan-in",
        "The variance is 1/n_in. Where a layer widens, the larger of both sizes counts.",
        _variance(lambda shape: 1 / shape[0]),
    ),
    Mistake(
        "fan-out",
        "The variance is 1/n_out. Where a layer narrows, the larger of both sizes counts.",
        _variance(lambda shape: 1 / shape[1]),
    ),
    _TRANSPOSED,
    _OTHER_GENERATOR,
)


def _forward(
    answer: Answer, weights: Arrays, biases: Arrays, X: np.ndarray, kind: str, finite: bool = True
) -> tuple[Arrays, np.ndarray]:
    """What forward returns: the outputs of the layers, and the probabilities."""
    returned = answer(weights, biases, X, kind)
    outputs, p = sequence(returned, 2, "forward", "the pair (outputs, p)")
    n = len(weights)
    told = "the inputs and the outputs of the hidden layers"
    outputs = sequence(outputs, n, "forward, as its first result,", f"a list with {told}, {n} long")
    sizes = [W.shape[0] for W in weights]
    outputs = [
        array(a, (len(X), size), f"Entry {i} of outputs")
        for i, (a, size) in enumerate(zip(outputs, sizes, strict=True))
    ]
    if not alike(outputs[0], X):
        raise Failed("outputs[0] should be the inputs X.")
    return outputs, array(p, (len(X), 4), "p", finite=finite)


def _hidden(answer: Answer, rng: Rng) -> None:
    for kind in ("sigmoid", "relu"):
        weights, biases = small_network(rng)
        outputs, _ = _forward(answer, weights, biases, small_batch(rng)[0], kind)
        for W, b, below, a in zip(weights, biases, outputs, outputs[1:], strict=False):
            if not alike(a, activate(below @ W + b, kind)):
                told = f"A hidden layer of kind {kind!r} is not f(aW + b) of the one below."
                raise wrong(_HIDDEN, told, a, below, W, b, kind)


def _probabilities(answer: Answer, rng: Rng) -> None:
    for _ in range(2):
        weights, biases = small_network(rng)
        outputs, p = _forward(answer, weights, biases, small_batch(rng)[0], "sigmoid")
        scores = outputs[-1] @ weights[-1] + biases[-1]
        ratios = np.log(p[:, :1] / p) if (p > 0).all() else np.nan
        if not alike(p.sum(axis=1), np.ones(len(p))) or not alike(ratios, scores[:, :1] - scores):
            told = "p is not the softmax of the scores of the last layer, row by row."
            raise wrong(_TOP, told, p, scores, outputs[-1] @ weights[-1])
    weights, biases = small_network(rng)
    X, _ = small_batch(rng)
    for turn, shift in enumerate((0, SHIFT, -SHIFT, 0)):  # each class has the largest scores once
        W, b = np.roll(HUGE * weights[-1], turn, axis=1), biases[-1] + shift
        network = [*weights[:-1], W], [*biases[:-1], b]
        outputs, p = _forward(answer, *network, X, "sigmoid", finite=False)
        if not np.isfinite(p).all():
            raise Failed(_OVERFLOW.idea)
        scores = outputs[-1] @ W + b
        second, first = np.sort(scores, axis=1).T[-2:]
        clear = first - second > NEARLY
        if not alike(p[clear], softmax(scores[clear])):
            raise Failed("With large scores p is not the softmax of the scores.")


_HIDDEN = (
    Mistake(
        "bias-forgotten",
        "The biases are not added.",
        gives(lambda below, W, b, kind: activate(below @ W, kind)),
    ),
    Mistake(
        "no-activation",
        "The hidden layers have no activation: the whole network is then a single linear map.",
        gives(lambda below, W, b, kind: below @ W + b),
    ),
    Mistake(
        "kind-ignored",
        "The argument kind is not used: the hidden units are of the same kind for 'sigmoid' and "
        "'relu'.",
        gives(
            lambda below, W, b, kind: activate(below @ W + b, ["relu", "sigmoid"][kind == "relu"])
        ),
    ),
)
_OVERFLOW = Mistake(
    "softmax-not-shifted",
    "With large scores the exponential overflows, or all of them vanish. Only differences of "
    "scores matter (problem 3).",
    lambda p, *_: not np.isfinite(p).all(),
)
_TOP = (
    Mistake(
        "scores",
        "p holds the scores. What turns them into probabilities?",
        gives(lambda scores, unbiased: scores),
    ),
    Mistake(
        "top-bias-forgotten",
        "The biases of the last layer are not added.",
        gives(lambda scores, unbiased: softmax(unbiased)),
    ),
    Mistake(
        "sigmoid-at-top",
        "The scores of the last layer went through a sigmoid. The softmax takes their place.",
        lambda p, scores, unbiased: any(
            alike(p, made)
            for made in (activate(scores, "sigmoid"), softmax(activate(scores, "sigmoid")))
        ),
    ),
    Mistake(
        "wrong-axis",
        "The columns sum to 1, not the rows: the softmax was taken over the examples.",
        gives(lambda scores, unbiased: softmax(scores.T).T),
    ),
    _OVERFLOW,
)


def _gradients(answer: Answer, rng: Rng, kind: str) -> tuple[list[Any], list[Any], tuple[Any, ...]]:
    """What the answer returns, differences of the loss, and the inputs."""
    weights, biases, X, y = clear_of_kinks(rng)
    entries = f"{len(weights)} pairs (dW, db)"
    found = [
        sequence(pair, 2, "gradients, for each layer,", "a pair (dW, db)")
        for pair in sequence(
            answer(weights, biases, X, y, kind), len(weights), "gradients", entries
        )
    ]
    wanted = [
        tuple(differences(v, lambda: loss(weights, biases, X, y, kind)) for v in pair)
        for pair in zip(weights, biases, strict=True)
    ]
    return found, wanted, (weights, biases, X, y, kind)


def _agree(found: Any, wanted: np.ndarray) -> bool:
    if np.shape(found) != wanted.shape:
        return False
    return bool(
        np.abs(np.asarray(found, dtype=float) - wanted).max() <= NEAR * np.abs(wanted).max()
    )


def _compare(answer: Answer, rng: Rng, layers: slice, which: int, what: str) -> None:
    """Hold gradients in weights (0) or biases (1) of some layers against differences."""
    for kind in ("sigmoid", "relu"):
        found, wanted, inputs = _gradients(answer, rng, kind)
        pairs = zip(found[layers], wanted[layers], strict=True)
        bad = [(p[which], w[which]) for p, w in pairs if not _agree(p[which], w[which])]
        if bad:
            shapes = [np.shape(v) for v in bad[0]]
            told = f"{what} differ from differences of the loss."
            if shapes[0] != shapes[1]:
                told = f"{what} have the shape {shapes[0]} in place of {shapes[1]}."
            raise wrong(_PASSES, told, found, *inputs)


def _top_weights(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, slice(-1, None), 0, "The gradients in the last weights")


def _lower_weights(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, slice(None, -1), 0, "The gradients in the weights below the last layer")


def _biases(answer: Answer, rng: Rng) -> None:
    _compare(answer, rng, slice(None), 1, "The gradients in the biases")


def _passes(**mistake: Any) -> Callable[..., bool]:
    """Whether the gradients are those of a pass with this mistake."""

    def fits(found: Sequence[Sequence[Any]], *inputs: Any) -> bool:
        made = backward(*inputs, **mistake)[0]
        pairs = zip(found, made, strict=True)
        # In the weights alone: a second mistake may be in the biases.
        return all(alike(pair[0], wrong_pair[0]) for pair, wrong_pair in pairs)

    return fits


def _not_summed(found: Sequence[Sequence[Any]], *inputs: Any) -> bool:
    """The bias's gradient is δ itself, a row for each example, or just one of its rows."""
    for share in (1 / len(inputs[3]), 1.0):
        rows = zip(found, backward(*inputs, share=share)[1], strict=True)
        if all(
            alike(pair[1], delta)
            or (np.shape(pair[1]) == delta.shape[1:] and any(alike(pair[1], d) for d in delta))
            for pair, delta in rows
        ):
            return True
    return False


def _averaged_twice(found: Sequence[Sequence[Any]], *inputs: Any) -> bool:
    deltas = backward(*inputs)[1]
    return all(
        alike(pair[1], delta.mean(axis=0)) for pair, delta in zip(found, deltas, strict=True)
    )


_PASSES = (
    Mistake(
        "mean-forgotten",
        "The gradients are too large by the number of examples: the loss is a mean over the batch, "
        "and so is its gradient.",
        _passes(share=1.0),
    ),
    Mistake(
        "bias-not-summed",
        "The gradient in the biases has not been summed over the batch: a bias enters the scores "
        "of every example.",
        _not_summed,
    ),
    Mistake(
        "bias-averaged-twice",
        "The gradient in the biases is divided by the number of examples twice.",
        _averaged_twice,
    ),
    Mistake(
        "slope-from-layer-above",
        "ReLU's mask, or the sigmoid's slope, is taken from the wrong layer, the one above: δ of a "
        "layer goes with the outputs of the same layer.",
        _passes(off=1),
    ),
    Mistake(
        "slope-from-layer-below",
        "ReLU's mask, or the sigmoid's slope, is taken from the wrong layer, the one below: δ of a "
        "layer goes with the outputs of the same layer.",
        _passes(off=-1),
    ),
    Mistake(
        "slope-forgotten",
        "The slope of the activation is missing on the way down.",
        _passes(slope=lambda a, kind: 1.0),
    ),
    Mistake(
        "uphill",
        "All gradients have the wrong sign: at the top it is predicted minus wanted.",
        _passes(sign=-1.0),
    ),
    Mistake(
        "labels-shifted-by-one",
        "The labels are shifted by one: class 0 is the first column.",
        lambda found, *inputs: any(_passes(shift=s)(found, *inputs) for s in (1, -1)),
    ),
    Mistake(
        "kind-ignored-back",
        "The argument kind is not used on the way back: the slopes are those of the other "
        "activation.",
        _passes(slope=lambda a, kind: derivative(a, "sigmoid" if kind == "relu" else "relu")),
    ),
)


def _labels(value: Any, n: int) -> np.ndarray:
    if np.shape(value) == (n, 10):
        raise Failed(_TEN_NUMBERS.idea)
    return array(value, (n,), "What predict returns")


_TEN_NUMBERS = Mistake(
    "ten-numbers",
    "predict returns ten numbers for each picture. Which of the ten classes do they speak for?",
    lambda value, n: np.shape(value) == (n, 10),
)

CHECKS = (
    Check(
        "5a",
        "initial_weights",
        (Part("Shapes, mean and variance", 0.5, _initial),),
        _WEIGHTS,
    ),
    Check(
        "5b",
        "forward",
        (
            Part("The hidden layers", 0.5, _hidden),
            Part("The probabilities, also of large scores", 0.5, _probabilities),
        ),
        (*_HIDDEN, *_TOP),
    ),
    Check(
        "5c",
        "gradients",
        (
            Part("The weights of the last layer", 0.5, _top_weights),
            Part("The weights of the layers below", 0.5, _lower_weights),
            Part("The biases", 0.5, _biases),
        ),
        _PASSES,
    ),
    Check(
        "5d",
        "predict",
        (
            Part("Half of the held-out digits right", 0.5, reaches("mnist", _labels, HALF)),
            Part("70% of the held-out digits right", 0.5, reaches("mnist", _labels, ENOUGH)),
        ),
        (*PREDICTIONS, _TEN_NUMBERS),
    ),
)
