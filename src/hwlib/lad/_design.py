"""The data matrix as the solvers see it: two products, a Gram matrix, and a choice of rows.

Nothing else of X is ever asked for, so that an implementation whose rows lie on disk, or on
several machines, can stand behind the same methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log2
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

# Always float64 here; the wider type is what NumPy's own signatures return.
Vector = NDArray[np.floating[Any]]
Matrix = NDArray[np.floating[Any]]

# A block of 2048 rows of 20 numbers lies in a core's second-level cache.
BLOCK = 2048
# Sums over so many rows are added up in pairs, so that their error hardly grows with n.
CHUNK = 128


class Design(Protocol):
    """An n × d matrix X of real numbers."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""

    def dot(self, w: Vector) -> Vector:
        """X w: (d,) to (n,)."""

    def tdot(self, a: Vector) -> Vector:
        """Xᵀ a: (n,) to (d,)."""

    @property
    def depth(self) -> int:
        """The most roundings that a product passes through on its way into Xᵀ a."""

    def abs_tdot(self, v: Vector) -> Vector:
        """|X|ᵀ v: (n,) to (d,)."""

    def largest(self) -> Vector:
        """The largest size in each column, (d,)."""

    def gram(self, q: Vector) -> Matrix:
        """Xᵀ diag(q) X for q ≥ 0: (n,) to (d, d)."""

    def rows(self, index: NDArray[np.intp]) -> Matrix:
        """The chosen rows as a new (k, d) array."""

    def part(self, rows: slice) -> Design:
        """Consecutive rows."""


class DenseDesign:
    """X in an array of any real dtype and order, or some rows of one; neither changed nor copied.

    Args:
        X: The array.
        chosen: The rows that count; None for all.
    """

    def __init__(self, X: NDArray[Any], chosen: NDArray[np.intp] | None = None) -> None:
        self._X, self._chosen = X, chosen
        self.shape: tuple[int, int] = (len(X) if chosen is None else len(chosen), X.shape[1])
        self._order: Literal["C", "F"] = "C" if X.flags.c_contiguous else "F"
        self._is_whole = X.dtype == np.float64 and chosen is None
        self._is_plain = self._is_whole and X.flags.c_contiguous

    def dot(self, w: Vector) -> Vector:
        """X w."""
        if self._is_whole:
            product: Vector = self._X @ w
            return product
        return np.concatenate([block @ w for _, block in self._blocks()])

    def tdot(self, a: Vector) -> Vector:
        """Xᵀ a."""
        if self._is_plain or (self._is_whole and self.shape[0] <= BLOCK):
            return _chunked(a, self._X)
        return self._summed(a[part] @ block for part, block in self._blocks())

    @property
    def depth(self) -> int:
        """The most roundings of a product in Xᵀ a."""
        n = self.shape[0]
        if not self._is_plain or n <= BLOCK:
            return min(n, BLOCK) + n // BLOCK + 1
        return CHUNK + 1 + ceil(log2(n / CHUNK))

    def abs_tdot(self, v: Vector) -> Vector:
        """|X|ᵀ v."""
        return self._summed(np.ascontiguousarray(v[part]) @ size for part, size in self._sizes())

    def largest(self) -> Vector:
        """The largest size in each column."""
        largest: Vector = np.max([size.max(axis=0) for _, size in self._sizes()], axis=0)
        return largest

    def gram(self, q: Vector) -> Matrix:
        """Xᵀ diag(q) X."""
        root = np.sqrt(q)
        if self._is_whole and self.shape[0] <= BLOCK:
            return _outer(self._X.T * root)
        return self._summed(_outer(block.T * root[part]) for part, block in self._blocks())

    def rows(self, index: NDArray[np.intp]) -> Matrix:
        """The chosen rows."""
        # take is the faster one, but would first copy an array in Fortran order whole.
        X = self._X
        index = index if self._chosen is None else self._chosen[index]
        rows = X.take(index, axis=0) if self._order == "C" else X[index]
        return rows.astype(np.float64, copy=False)

    def part(self, rows: slice) -> DenseDesign:
        """Consecutive rows, in float64."""
        chosen = rows if self._chosen is None else self._chosen[rows]
        return DenseDesign(self._X[chosen].astype(np.float64, copy=False))

    def _blocks(self) -> Iterator[tuple[slice, Matrix]]:
        n = self.shape[0]
        for start in range(0, n, BLOCK):
            part = slice(start, min(start + BLOCK, n))
            rows = self._X[part if self._chosen is None else self._chosen[part]]
            yield part, rows.astype(np.float64, copy=False)

    def _sizes(self) -> Iterator[tuple[slice, Matrix]]:
        """|X| block by block, each in the memory of the one before."""
        size = np.empty((min(BLOCK, self.shape[0]), self.shape[1]), order=self._order)
        for part, block in self._blocks():
            yield part, np.abs(block, out=size[: len(block)])

    @staticmethod
    def _summed(terms: Iterator[Vector]) -> Vector:
        total = next(terms)
        for term in terms:
            total += term
        return total


def _outer(S: Matrix) -> Matrix:
    return S @ S.T  # the same array twice: BLAS computes one triangle only


def _chunked(a: Vector, X: Matrix) -> Vector:
    """Xᵀ a, summed over chunks, and these in pairs."""
    n, d = X.shape
    if n <= BLOCK:
        product: Vector = a @ X
        return product
    whole = n // CHUNK * CHUNK
    heads = np.matmul(a[:whole].reshape(-1, 1, CHUNK), X[:whole].reshape(-1, CHUNK, d))
    sums = heads.reshape(-1, d)
    while len(sums) > 1:
        half = len(sums) // 2
        sums = np.concatenate([sums[:half] + sums[half : 2 * half], sums[2 * half :]])
    total: Vector = sums[0] + a[whole:] @ X[whole:]
    return total
