"""Large arrays in pieces, each laid out for fast sums.

A kernel fills one array from others of its shape, ``kernel(T, axis, out, z, …)``. Its axis is −1,
where the entries of a vector lie side by side, or −2, where those of different vectors do. Beside
its result it needs little memory: new memory costs as much time as a softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from hwlib.softmax._input import Array, DType

SLAB = 2**16  # entries of a temporary array: half a MiB of float64, for the second-level cache
# NumPy starts anew at each row, and does little in a row of ten. So short vectors are stood up as
# columns, and narrow columns laid down as rows, unless they are few.
NARROW, FEW = 32, 2**11
SMALL = 2**14  # so many entries are not worth a cut
GROUP, SMALLER_GROUP = 128, 16  # terms that are added one by one
FEW_ROWS = 16  # are added faster in pairs
# NumPy takes a broadcast operand through a buffer of 8192 entries. One smaller than a row it
# leaves out, which saves a third of the time of subtracting or dividing.
BUFFER = 512

Kernel = Callable[..., None]


def in_blocks(kernel: Kernel, T: Any, axis: int, arrays: tuple[Array, ...]) -> Array:
    """Fill an array like the first with a kernel, piece by piece.

    ``axis`` counts from the end, and the arrays have one shape and type.
    """
    result = np.empty_like(arrays[0])
    if result.ndim == 1 or (axis >= -2 and result.size <= SMALL and _lies_well(result)):
        kernel(T, axis, result, *arrays)
        return result
    turned = [a.swapaxes(axis, -1) for a in (result, *arrays)]
    *_, wide, n = turned[0].shape
    in_rows = turned[0].strides[-1] <= turned[0].strides[-2]
    row = n if in_rows else wide
    fill = _turn_and_cut if row <= NARROW else _cut
    if row < BUFFER and (row > NARROW or result.size <= SMALL):
        fill(kernel, T, in_rows, turned)
    else:
        unbuffered(fill, kernel, T, in_rows, turned)
    return result


def _lies_well(array: Array) -> bool:
    """Whether a small array needs no copy in another order."""
    return array.flags.c_contiguous and (array.size <= FEW or array.shape[-1] > NARROW)


def unbuffered(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that broadcasts rows longer than ``BUFFER``."""
    buffer = np.setbufsize(BUFFER)
    try:
        return function(*arguments)
    finally:
        np.setbufsize(buffer)


def _cut(kernel: Kernel, T: Any, in_rows: bool, arrays: list[Array]) -> None:
    """Apply a kernel to pieces as they lie: to some rows, or to whole columns."""
    *vectors, n = arrays[0].shape
    if in_rows:
        for piece in pieces(tuple(vectors), max(SLAB // n, 1)):
            kernel(T, -1, *(a[piece] for a in arrays))
    else:
        for piece in np.ndindex(*vectors[:-1]):
            kernel(T, -2, *(a[piece].swapaxes(-1, -2) for a in arrays))


def _turn_and_cut(kernel: Kernel, T: Any, in_rows: bool, arrays: list[Array]) -> None:
    """Apply a kernel to copies: of short rows as columns, of narrow columns as rows if long."""
    *vectors, n = arrays[0].shape
    axis = -2 if in_rows or n <= NARROW else -1
    for piece in pieces(tuple(vectors), max(SLAB // n, 1)):
        out, *parts = [np.moveaxis(a[piece], -1, 0) if axis == -2 else a[piece] for a in arrays]
        flat = (n, -1) if axis == -2 else (-1, n)
        copies = [np.array(a, order="C").reshape(flat) for a in parts]
        kernel(T, axis, copies[0], *copies)
        out[...] = copies[0].reshape(out.shape)


def pieces(shape: tuple[int, ...], most: int) -> Iterator[tuple[Any, ...]]:
    """Indices that cut an array of this shape in pieces of at most so many entries."""
    inner, cut = 1, len(shape)
    while cut and inner * shape[cut - 1] <= most:
        cut -= 1
        inner *= shape[cut]
    if cut == 0:
        yield ()
        return
    step = max(1, most // inner)
    for head in np.ndindex(*shape[: cut - 1]):
        for start in range(0, shape[cut - 1], step):
            yield (*head, slice(start, start + step))


def slabs(shape: tuple[int, ...], axis: int) -> list[Any]:
    """Indices that cut an array along its axis −1 or −2 in slabs for temporary arrays."""
    size, n = math.prod(shape), shape[axis]
    step = max(SLAB * n // size, 1 if axis == -1 else SMALLER_GROUP)
    cuts = [slice(start, start + step) for start in range(0, n, step)]
    return [(..., cut) if axis == -1 else (..., cut, slice(None)) for cut in cuts]


def summed(terms: Array, axis: int, group: int = GROUP) -> Array:
    """The sums along axis −1 or −2, kept as an axis of length 1: in groups, or in pairs.

    So a term takes part in few more additions than a group has, or in some log n, not in n. The
    sum of a single vector is a number.
    """
    n = terms.shape[axis]
    if terms.ndim == 1:
        total: Array = np.add.reduce(terms)
        return total
    if n <= group:  # a product with ones takes half the time of a sum, or less
        one = _ones(terms.dtype, n)
        return terms @ one.T if axis == -1 else one @ terms
    if axis == -1:
        if terms.size <= FEW_ROWS * n:
            return np.add.reduce(terms, axis=-1, keepdims=True)
        return summed(terms.swapaxes(-1, -2), -2, group).swapaxes(-1, -2)
    size = math.ceil(n / math.ceil(n / group))
    whole = n - n % size
    *outer, _, wide = terms.shape
    grouped = terms[..., :whole, :].reshape(*outer, n // size, size, wide)
    parts = (_ones(terms.dtype, size) @ grouped)[..., 0, :]
    if whole < n:
        rest = summed(terms[..., whole:, :], -2)
        parts = np.concatenate([parts, rest], axis=-2)
    return summed(parts, axis, SMALLER_GROUP)


@cache
def _ones(dtype: DType, n: int) -> Array:
    return np.ones((1, n), dtype)


def summed_by_slabs(terms: Callable[..., Array], axis: int, *arrays: Array) -> Array:
    """The same of terms that are computed from arrays, slab by slab."""
    first = arrays[0]
    if first.size <= 2 * SLAB:
        return summed(terms(*arrays), axis)
    cuts = slabs(first.shape, axis)
    sums = [summed(terms(*(a[cut] for a in arrays)), axis) for cut in cuts]
    return summed(np.stack(sums) if first.ndim == 1 else np.concatenate(sums, axis=axis), axis)
