"""What the functions take: arrays of numbers, an axis, a temperature; and how they refuse."""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
DType = np.dtype[Any]


def checked_scores(z: ArrayLike) -> Array:
    """The scores as an array with at least one axis and one entry."""
    array = real_array("z", z)
    if array.ndim == 0:
        raise ValueError(f"z is the single number {array}: it needs an axis, write [z]")
    if array.size == 0:
        raise ValueError(f"z is empty: it has shape {array.shape}")
    return array


def checked_direction(name: str, values: ArrayLike, z: Array) -> Array:
    """A vector for each vector of scores, as an array of the same shape."""
    array = real_array(name, values)
    if array.shape != z.shape:
        raise ValueError(f"{name} has shape {array.shape}, but z has {z.shape}: they must agree")
    return array


def checked_axis(axis: int, ndim: int) -> int:
    """The axis, counted from the end: −1 is the last."""
    if type(axis) is int and axis == -1:
        return axis
    try:
        number = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be a whole number, not {axis!r}") from None
    if not -ndim <= number < ndim:
        raise ValueError(f"axis is {number}, but z has {ndim} axes")
    return number if number < 0 else number - ndim


def checked_temperature(temperature: Any, dtype: DType) -> Any:
    """The temperature in the type of the computation."""
    if type(temperature) is float and temperature == 1:  # the default costs next to nothing
        return 1
    is_number = isinstance(temperature, numbers.Real) and not isinstance(temperature, bool)
    if not (is_number and 0 < temperature < math.inf):
        raise ValueError(f"temperature must be a positive number, not {temperature!r}")
    with np.errstate(all="ignore"):
        try:
            rounded = computed_in(dtype).type(temperature)
        except OverflowError:
            rounded = math.inf
    if not (rounded > 0 and np.isfinite(rounded)):
        raise ValueError(f"temperature is {temperature}, which {dtype} rounds to {rounded}")
    return rounded


def real_array(name: str, values: ArrayLike) -> Array:
    """The values as an array of real numbers."""
    if type(values) is not np.ndarray:
        if hasattr(values, "toarray"):
            raise TypeError(f"{name} is a sparse matrix: convert it with {name}.toarray()")
        if np.ma.is_masked(values):
            raise TypeError(
                f"{name} is a masked array: fill it, with {name}.filled(-np.inf) if these are "
                "scores of classes that are ruled out"
            )
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        remedy = {
            "c": "take its real part",
            "O": "convert it, with astype(float) for instance",
        }.get(array.dtype.kind, "encode it as numbers first")
        raise TypeError(
            f"{name} must be an array of real numbers, not of dtype {array.dtype}: {remedy}"
        )
    return array


def floating(dtype: DType) -> DType:
    """The type of a result: the same for floating point, else float64."""
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def common(z: Array, other: Array) -> DType:
    """The type of a result from both: whole numbers in the second leave it to the first."""
    dtype = floating(z.dtype)
    if other.dtype == dtype or other.dtype.kind != "f":
        return dtype
    return np.result_type(dtype, other.dtype)


def computed_in(dtype: DType) -> DType:
    """The type to compute a result in: float16 would overflow in the sum of its exponentials."""
    return np.dtype(np.float32) if dtype.itemsize == 2 else dtype


def refuse_scores(z: Array, axis: int) -> NoReturn:
    """Say which entry of the scores is not finite, or which of their vectors is all −∞."""
    wrong = np.isnan(z) | (z == np.inf)
    if wrong.any():
        raise ValueError(
            f"{first_place('z', wrong)} is {z[wrong][0]}: scores must be finite, or -inf for a mask"
        )
    masked = (z == -np.inf).all(axis=axis, keepdims=True)
    raise ValueError(
        f"{first_place('z', masked, axis)} is -inf throughout: at least one score must be finite"
    )


def refuse_direction(name: str, values: Array) -> None:
    """Say which entry is not finite, if one is."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(
            f"{first_place(name, wrong)} is {values[wrong][0]}: every entry must be finite"
        )


def first_place(name: str, wrong: Array, axis: int | None = None) -> str:
    """Name and index of the first entry that is wrong, with a colon in place of an axis."""
    index = list(map(str, np.argwhere(wrong)[0]))
    if axis is not None:
        index[axis] = ":"
    return f"{name}[{', '.join(index)}]" if index else name
