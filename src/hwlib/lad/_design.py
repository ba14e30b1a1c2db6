"""The data matrix as the solvers see it: two products, a Gram matrix, and a choice of rows.

Nothing else of X is ever asked for. An implementation whose rows lie on disk, or on several
machines, can stand behind the same five methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# A block of 2048 rows of 20 numbers lies in a core's second-level cache, and the error of a sum
# over n rows, taken block by block, grows with 2048 + n/2048 in place of n.
BLOCK = 2048


class Design(Protocol):
    """An n × d matrix X of real numbers."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""

    def dot(self, w: Vector) -> Vector:
        """X w: (d,) to (n,)."""

    def tdot(self, a: Vector) -> Vector:
        """Xᵀ a: (n,) to (d,), summed over blocks of :data:`BLOCK` rows."""

    def abs_tdot(self, v: Vector) -> Vector:
        """|X|ᵀ v: (n,) to (d,)."""

    def gram(self, q: Vector) -> Matrix:
        """Xᵀ diag(q) X for q ≥ 0: (n,) to (d, d)."""

    def rows(self, index: NDArray[np.intp]) -> Matrix:
        """The chosen rows as a new (k, d) array in Fortran order."""


class DenseDesign:
    """X in an array of any real dtype and order. It is neither changed nor copied whole."""

    def __init__(self, X: NDArray[Any]) -> None:
        self._X = X
        self.shape: tuple[int, int] = (X.shape[0], X.shape[1])

    def dot(self, w: Vector) -> Vector:
        """X w."""
        if self._X.dtype == np.float64:
            product: Vector = self._X @ w
            return product
        return np.concatenate([block @ w for _, block in self._blocks()])

    def tdot(self, a: Vector) -> Vector:
        """Xᵀ a."""
        return self._summed(a[part] @ block for part, block in self._blocks())

    def abs_tdot(self, v: Vector) -> Vector:
        """|X|ᵀ v."""
        return self._summed(v[part] @ np.abs(block) for part, block in self._blocks())

    def gram(self, q: Vector) -> Matrix:
        """Xᵀ diag(q) X."""
        root = np.sqrt(q)
        return self._summed(_outer(block.T * root[part]) for part, block in self._blocks())

    def rows(self, index: NDArray[np.intp]) -> Matrix:
        """The chosen rows."""
        # take is the faster one, but would first copy an array in Fortran order whole.
        X = self._X
        chosen = X.take(index, axis=0) if X.flags.c_contiguous else X[index]
        return np.asfortranarray(chosen, dtype=np.float64)

    def _blocks(self) -> Iterator[tuple[slice, Matrix]]:
        n = self.shape[0]
        for start in range(0, n, BLOCK):
            part = slice(start, min(start + BLOCK, n))
            yield part, self._X[part].astype(np.float64, copy=False)

    @staticmethod
    def _summed(terms: Iterator[NDArray[np.float64]]) -> NDArray[np.float64]:
        total = next(terms)
        for term in terms:
            total += term
        return total


def _outer(S: Matrix) -> Matrix:
    return S @ S.T  # the same array twice: BLAS computes one triangle only
