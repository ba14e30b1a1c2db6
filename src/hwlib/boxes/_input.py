"""What every network here asks of its arguments."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
# More cells than this, and their heights alone would fill the memory of a large machine.
MOST_CELLS = 2**30


class Frozen:
    """A dataclass that pickles and copies as its fields: arrays are read-only again afterwards."""

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


def finite(name: str, value: Any) -> float:
    """A finite number."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else np.nan
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, not {value!r}")
    return number


def count(name: str, value: Any, least: int = 1) -> int:
    """A whole number that is not too small."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def array(name: str, values: ArrayLike) -> Floats:
    """A read-only copy in float64, all finite."""
    copy = real(name, values).astype(np.float64)
    if not np.isfinite(copy).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(copy))[0]))
        raise ValueError(f"{name}{list(where)} is {copy[where]}: every entry must be finite")
    copy.flags.writeable = False
    return copy


def real(name: str, values: ArrayLike) -> NDArray[Any]:
    """An array of real numbers, as it came."""
    found = np.asarray(values)
    if found.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, not entries of dtype {found.dtype}")
    return found


def values_of(f: Callable[[Floats], ArrayLike], points: Floats, shape: tuple[int, ...]) -> Floats:
    """Evaluate f at all points in one call; a single number stands for a constant."""
    # A copy: the points are the edges' middles still, whatever f does to its argument.
    found = real("f(x)", f(points.copy())).astype(np.float64)
    if found.ndim == 0:
        found = np.broadcast_to(found, shape)
    if found.shape != shape:
        raise ValueError(
            f"f must take an array of points and return one number for each, of shape {shape}, "
            f"not {found.shape}: np.vectorize(f) helps a function of single numbers"
        )
    if not np.isfinite(found).all():
        first = np.unravel_index(int(np.argmin(np.isfinite(found))), shape)
        raise ValueError(f"f is {found[first]} at x = {points[first]}: it must be bounded")
    return found
