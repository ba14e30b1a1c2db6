"""Large arrays in pieces that stay in the processor's cache, each laid out for fast sums.

A kernel fills one array from others of the same shape, ``kernel(T, axis, out, z, …)``. Its axis is
−1, where the entries of a vector lie side by side, or −2, where those of different vectors do.
Arrays are taken as they lie, except that short vectors are stood up and narrow columns laid down:
NumPy starts anew at each row, and does little in a row of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib.softmax._input import Array

# One MiB of float64: a few such arrays are at home in the caches of common processors.
ENTRIES = 2**17
FEW = 2**9  # so small an array is not worth a copy
NARROW = 32
GROUP = 128  # terms that are added one by one; NumPy's own groups in a row are as long
# NumPy takes a broadcast operand through a buffer of 8192 entries, row by row. A smaller buffer
# than a row it leaves out, which takes a third off the time of subtracting and dividing.
BUFFER = 512

Kernel = Callable[..., None]


def in_blocks(kernel: Kernel, T: Any, axis: int, *arrays: Array) -> Array:
    """Fill an array like the first with a kernel, piece by piece.

    ``axis`` counts from the end, and the arrays have one shape and type.
    """
    result = np.empty_like(arrays[0], subok=False)
    if result.ndim == 1 or (axis >= -2 and result.size <= FEW):
        kernel(T, axis, result, *arrays)
        return result
    broadcast(_fill, kernel, T, *(a.swapaxes(axis, -1) for a in (result, *arrays)))
    return result


def broadcast(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function with a buffer that makes broadcasting fast."""
    buffer = np.setbufsize(BUFFER)
    try:
        return function(*arguments)
    finally:
        np.setbufsize(buffer)


def _fill(kernel: Kernel, T: Any, *arrays: Array) -> None:
    *outer, wide, n = arrays[0].shape
    in_rows = arrays[0].strides[-1] <= arrays[0].strides[-2]
    if (n if in_rows else wide) <= NARROW:
        for piece in pieces((*outer, wide), max(ENTRIES // n // 4, 1)):
            _turned(kernel, T, *(a[piece] for a in arrays))
    elif in_rows:
        for piece in pieces((*outer, wide), max(ENTRIES // n, 1)):
            kernel(T, -1, *(a[piece] for a in arrays))
    else:
        for piece in pieces(tuple(outer), max(ENTRIES // n // wide, 1)):
            kernel(T, -2, *(a[piece].swapaxes(-1, -2) for a in arrays))


def _turned(kernel: Kernel, T: Any, out: Array, *arrays: Array) -> None:
    """Apply a kernel to copies in the other order: short vectors in columns, long ones in rows."""
    n = out.shape[-1]
    if n <= NARROW:
        copies = [np.array(np.moveaxis(a, -1, 0), order="C").reshape(n, -1) for a in arrays]
        kernel(T, -2, copies[0], *copies)
        np.moveaxis(out, -1, 0)[...] = copies[0].reshape(n, *out.shape[:-1])
    else:
        copies = [np.array(a, order="C") for a in arrays]
        kernel(T, -1, copies[0], *copies)
        out[...] = copies[0]


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


def summed(terms: Array, axis: int) -> Array:
    """The sums along axis −1 or −2, kept as an axis of length 1: in pairs, or in groups.

    A term is part of some log n additions, not of n.
    """
    if axis == -1 or terms.shape[-2] <= GROUP:
        sums: Array = np.add.reduce(terms, axis=axis, keepdims=True)
        return sums
    *outer, n, wide = terms.shape
    whole = n - n % GROUP
    grouped = terms[..., :whole, :].reshape(*outer, n // GROUP, GROUP, wide)
    parts = [np.add.reduce(grouped, axis=-2)]
    if whole < n:
        parts.append(np.add.reduce(terms[..., whole:, :], axis=-2, keepdims=True))
    return summed(np.concatenate(parts, axis=-2), axis)
