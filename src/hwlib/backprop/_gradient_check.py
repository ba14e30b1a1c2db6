"""Gradients against differences of the loss, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.backprop import _checks
from hwlib.backprop._network import Network
from hwlib.backprop._pass import Pass

_STEP = 2.0**-17  # near the cube root of 2⁻⁵³, where truncation and rounding are alike
_LEAST = 1e-4  # of the largest entry: what is smaller, differences do not resolve


@dataclass(frozen=True, eq=False)
class GradientCheck:
    r"""How far gradients g are from central differences d of the loss.

    Attributes:
        relative_errors: For each layer a pair of arrays, of the shapes of its weights and biases,
            :math:`|g - d| / \max(|g|, |d|, 10^{-4} G)` with the largest entry G of all gradients.
        largest: The largest of all these.
        place: Where that is: ``"weights"`` or ``"biases"``, the number of the array in that list,
            and the index in the array.
    """

    relative_errors: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    largest: float
    place: tuple[str, int, tuple[int, ...]]


def gradient_check(network: Network, X: ArrayLike, y: ArrayLike) -> GradientCheck:
    r"""Compare :meth:`Network.loss_and_gradients` with central differences.

    .. math::

        d = \frac{\bar C(w + h) - \bar C(w - h)}{2h} = \frac{\partial\bar C}{\partial w} +
        O(h^2), \qquad h = 2^{-17} \max(1, |w|),

    for each parameter w in turn, in float64 whatever the network's dtype. Right gradients give a
    largest relative error near 1e-6 (in float32, near 1e-3), wrong ones up to 1. Where a ReLU
    stands within h of its kink, the two rightly differ; with biases of 0 that happens to a whole
    layer where a row switches off the one below.

    It takes two passes for each parameter: use small networks, or few rows.

    Args:
        network: Left as it is.
        X: (n, n_0).
        y: (n,) integers.

    Raises:
        TypeError: As for :meth:`Network.loss_and_gradients`.
        ValueError: As for :meth:`Network.loss_and_gradients`.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(5, 3))
        >>> check = gradient_check(Network((3, 4, 2), "tanh"), X, [0, 1, 1, 0, 1])
        >>> check.largest < 1e-6
        True
    """
    _, gradients = network.loss_and_gradients(X, y)
    differences = _differences(network, X, y)
    scale = max(float(np.abs(g).max()) for pair in gradients for g in pair)
    errors = [
        (_relative(gW, dW, scale), _relative(gb, db, scale))
        for (gW, gb), (dW, db) in zip(gradients, differences, strict=True)
    ]
    largest, place = max(_peaks(errors))
    return GradientCheck(errors, largest, place)


def _differences(
    network: Network, X: ArrayLike, y: ArrayLike
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    rows = np.array(_checks.checked_inputs(X, network.sizes[0], network.dtype), np.float64)
    labels = _checks.checked_labels(y, len(rows), network.sizes[-1])
    weights, biases = (
        [np.array(p, np.float64) for p in group] for group in (network.weights, network.biases)
    )
    whole = Pass(weights, biases, network.activation, rows, labels)
    return [
        (_difference(whole, W), _difference(whole, b)) for W, b in zip(weights, biases, strict=True)
    ]


def _difference(whole: Pass, parameter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Central differences of the loss in each entry of one array, which is moved and put back."""
    result = np.empty_like(parameter)
    for index, w in np.ndenumerate(parameter):
        above, below = w + _STEP * max(1.0, abs(w)), w - _STEP * max(1.0, abs(w))
        parameter[index] = above
        rise = whole.loss()
        parameter[index] = below
        rise -= whole.loss()
        parameter[index] = w
        result[index] = rise / (above - below)
    return result


def _relative(g: NDArray[np.floating], d: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    size = np.maximum(np.maximum(np.abs(g), np.abs(d)), _LEAST * scale)
    errors: NDArray[np.float64] = np.abs(g - d) / np.where(size > 0, size, 1)
    return errors


def _peaks(
    errors: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> Iterator[tuple[float, tuple[str, int, tuple[int, ...]]]]:
    """The largest error of each array, with its place."""
    for layer, pair in enumerate(errors):
        for kind, array in zip(("weights", "biases"), pair, strict=True):
            index = np.unravel_index(int(array.argmax()), array.shape)
            yield float(array.max()), (kind, layer, tuple(int(i) for i in index))
