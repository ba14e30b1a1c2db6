"""What a network can be made of, and what it can be given: refused here, or right from then on."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.backprop._layer import ACTIVATIONS, Matrix


def checked_sizes(sizes: Sequence[SupportsIndex]) -> tuple[int, ...]:
    """The sizes as plain integers."""
    try:
        checked = tuple(operator.index(size) for size in sizes)
    except TypeError:
        checked = ()
    if len(checked) < 2 or min(checked) < 1 or any(isinstance(n, bool) for n in sizes):
        raise ValueError(
            "sizes must be at least two positive integers, inputs first and classes last, as in "
            f"(784, 32, 32, 10), not {sizes!r}"
        )
    return checked


def checked_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """The value, if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return value


def checked_activation(activation: Any) -> str:
    """The name of a hidden unit's function."""
    return checked_choice("activation", activation, tuple(ACTIVATIONS))


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, in the machine's byte order."""
    for allowed in (np.dtype(np.float32), np.dtype(np.float64)):
        # None equals the default dtype, float64, and is refused: it would hide a mistake.
        if dtype is not None and allowed == dtype:
            return allowed
    raise ValueError(f"dtype must be float32 or float64, not {dtype!r}")


def checked_count(name: str, value: Any, most: int | None = None) -> int:
    """A positive integer, up to the number of examples if that is given."""
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1 or isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    if most is not None and count > most:
        raise ValueError(f"{name} is {count}, but there are only {most} examples")
    return count


def checked_rate(learning_rate: Any) -> float:
    """A positive, finite number."""
    try:
        rate = float(learning_rate) if _is_number(learning_rate) else math.nan
    except OverflowError:
        rate = math.inf
    if not 0 < rate < math.inf:
        raise ValueError(f"learning_rate must be positive and finite, not {learning_rate!r}")
    return rate


def checked_momentum(momentum: Any) -> float:
    """A number in [0, 1)."""
    if not (_is_number(momentum) and 0 <= momentum < 1):
        raise ValueError(f"momentum must lie in [0, 1), not {momentum!r}")
    return float(momentum)


def checked_parameters(
    sizes: Sequence[int], weights: Any, biases: Any, dtype: np.dtype[Any]
) -> tuple[list[Matrix], list[Matrix]]:
    """Weights and biases as they are, or copied if they were replaced by arrays of another kind."""
    layers = len(sizes) - 1
    if len(weights) != layers or len(biases) != layers:
        raise ValueError(
            f"a network of sizes {tuple(sizes)} has {layers} weights and biases, but weights holds "
            f"{len(weights)} arrays and biases {len(biases)}"
        )
    shapes = list(pairwise(sizes))
    checked_weights = [
        _parameter(f"weights[{i}]", W, shape, dtype)
        for i, (W, shape) in enumerate(zip(weights, shapes, strict=True))
    ]
    checked_biases = [
        _parameter(f"biases[{i}]", b, shape[1:], dtype)
        for i, (b, shape) in enumerate(zip(biases, shapes, strict=True))
    ]
    return checked_weights, checked_biases


def checked_inputs(X: ArrayLike, n_inputs: int, dtype: np.dtype[Any]) -> Matrix:
    """X in the network's dtype and in rows; itself if it is so already."""
    array = _real("X", X)
    if array.ndim != 2 or array.shape[1] != n_inputs:
        hint = ": write X[None] for a single example" if array.shape == (n_inputs,) else ""
        if array.ndim > 2 and math.prod(array.shape[1:]) == n_inputs:
            hint = ": write X.reshape(len(X), -1) for pictures"
        raise ValueError(
            f"X has shape {array.shape}, but the network takes rows of {n_inputs} numbers{hint}"
        )
    if len(array) == 0:
        raise ValueError(f"X is empty: it has shape {array.shape}")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, dtype)
    for start in range(0, len(rows), 4096):
        wrong = ~np.isfinite(rows[start : start + 4096])
        if wrong.any():
            i, j = np.argwhere(wrong)[0] + [start, 0]
            raise ValueError(f"X[{i}, {j}] is {array[i, j]}: every entry must be finite in {dtype}")
    return rows


def checked_labels(y: ArrayLike, n: int, n_classes: int) -> NDArray[np.int64]:
    """Labels as int64."""
    labels = np.asarray(y)
    if labels.dtype.kind not in "ui":
        raise TypeError(
            f"y must hold integers, not dtype {labels.dtype}: convert class numbers with "
            "y.astype(int), one-hot rows with y.argmax(axis=1)"
        )
    if labels.shape != (n,):
        raise ValueError(f"y has shape {labels.shape}, but X has {n} rows: give one label for each")
    wrong = (labels < 0) | (labels >= n_classes)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"y[{first}] is {labels[first]}, but the network's classes are 0 to {n_classes - 1}"
        )
    return labels.astype(np.int64, copy=False)


def _parameter(name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Matrix:
    array = _real(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, but the sizes ask for {shape}")
    with np.errstate(over="ignore"):
        parameter = np.ascontiguousarray(array, dtype)
    if not np.isfinite(parameter).all():
        raise ValueError(f"{name} holds an entry that is not finite in {dtype}")
    return parameter


def _real(name: str, values: Any) -> NDArray[Any]:
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: convert it with {name}.toarray()")
    if np.ma.isMaskedArray(values):
        raise TypeError(f"{name} is a masked array: leave out the masked rows, or fill them")
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must be an array of real numbers, not of dtype {array.dtype}")
    return array


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
