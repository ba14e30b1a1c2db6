"""A small network, its passes forward and back, and passes back with a mistake."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from hwlib.homework._problem import Rng
from hwlib.softmax import cross_entropy, softmax

Arrays = list[np.ndarray]
Pairs = list[tuple[np.ndarray, np.ndarray]]
STEP = 2.0**-20  # of a central difference: it truncates and rounds near 1e-10
KINK = 1e-3  # no ReLU is so close to its kink that a step crosses it


def small_network(rng: Rng) -> tuple[Arrays, Arrays]:
    """Weights and biases; the hidden layers are of one size, so that no mistake is a crash."""
    sizes = [5, 6, 6, 6, 4]
    weights = [rng.normal(size=pair) for pair in pairwise(sizes)]
    return weights, [rng.normal(size=n_out) for n_out in sizes[1:]]


def small_batch(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels for it."""
    return rng.normal(size=(7, 5)), rng.integers(4, size=7)


def activate(z: np.ndarray, kind: str) -> np.ndarray:
    """The ReLU or the sigmoid."""
    return np.asarray(np.maximum(0, z) if kind == "relu" else 1 / (1 + np.exp(-z)))


def derivative(a: np.ndarray, kind: str) -> np.ndarray:
    """Its slope where it is a."""
    return np.asarray((a > 0).astype(float) if kind == "relu" else a * (1 - a))


def layer_outputs(weights: Arrays, biases: Arrays, X: np.ndarray, kind: str) -> Arrays:
    """Inputs, outputs of the hidden layers, and the scores."""
    outputs = [X]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        outputs.append(activate(outputs[-1] @ W + b, kind))
    return [*outputs, outputs[-1] @ weights[-1] + biases[-1]]


def loss(weights: Arrays, biases: Arrays, X: np.ndarray, y: np.ndarray, kind: str) -> float:
    """The mean cross-entropy."""
    scores = layer_outputs(weights, biases, X, kind)[-1]
    return float(cross_entropy(scores, y).mean())


def backward(
    weights: Arrays,
    biases: Arrays,
    X: np.ndarray,
    y: np.ndarray,
    kind: str,
    *,
    share: float | None = None,
    sign: float = 1.0,
    shift: int = 0,
    off: int = 0,
    slope: Callable[[np.ndarray, str], np.ndarray | float] = derivative,
) -> tuple[Pairs, Arrays]:
    """The gradients with one mistake or none, and the δ of each layer."""
    outputs = layer_outputs(weights, biases, X, kind)
    wanted = np.eye(outputs[-1].shape[1])[(y + shift) % outputs[-1].shape[1]]
    delta = sign * (softmax(outputs[-1]) - wanted) * (1 / len(y) if share is None else share)
    deltas, pairs = [delta], []
    for layer in range(len(weights) - 1, -1, -1):
        pairs.append((outputs[layer].T @ delta, delta.sum(axis=0)))
        if layer:
            delta = delta @ weights[layer].T
            beside = min(max(layer + off, 1), len(weights) - 1)
            delta = delta * slope(outputs[beside], kind)
            deltas.append(delta)
    return pairs[::-1], deltas[::-1]


def clear_of_kinks(rng: Rng) -> tuple[Arrays, Arrays, np.ndarray, np.ndarray]:
    """A network and a batch in which every ReLU is clearly on or clearly off."""
    while True:
        weights, biases = small_network(rng)
        X, y = small_batch(rng)
        outputs = layer_outputs(weights, biases, X, "relu")
        layers = zip(outputs[:-2], weights[:-1], biases[:-1], strict=True)
        if min(np.abs(a @ W + b).min() for a, W, b in layers) > KINK:
            return weights, biases, X, y


def differences(v: np.ndarray, value: Callable[[], float]) -> np.ndarray:
    """Central differences of a value in every entry of an array that it is computed from."""
    d = np.zeros_like(v)
    for i in np.ndindex(v.shape):
        kept = v[i]
        v[i] = kept + STEP
        above = value()
        v[i] = kept - STEP
        d[i] = (above - value()) / (2 * STEP)
        v[i] = kept
    return d
