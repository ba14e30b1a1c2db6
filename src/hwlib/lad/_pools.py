"""The rows that are not kept: how they are parted into pools, their sums, and their dual variables.

All of it is asked of a chunk's rows where they are, and of those that came to the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from hwlib.lad._design import Vector
from hwlib.lad._problem import Problem
from hwlib.lad._rows import ROUNDING

Index = NDArray[np.intp]

# Below this share of what was taken from a sum, what is left of it has lost too many digits.
LEFT = 2.0**-26


@dataclass(frozen=True)
class Tie:
    """How to choose among rows that are fitted exactly: with this probability.

    ``typical`` is the size of y that exactly is measured by.
    """

    typical: float
    share: float


@dataclass(frozen=True, eq=False)
class Start:
    """Coefficients, whose residuals give the rows their signs.

    With a tie, residuals of rounding size count as 0.
    """

    w: Vector
    tie: Tie | None = None

    def residuals(self, problem: Problem) -> Vector:
        """(k,) of the rows of a chunk."""
        if self.tie is None:
            return problem.residuals(self.w)
        r = _row_by_row(problem, [self.w])[0]
        r[np.abs(r) <= ROUNDING * (np.abs(problem.y) + self.tie.typical)] = 0
        return r


def _row_by_row(problem: Problem, places: Sequence[Vector]) -> list[Vector]:
    """The residuals at some places, of each row the same in whatever block it lies.

    BLAS rounds otherwise in other shapes, and of a row that is fitted exactly that is the sign.
    """
    X = problem.X.rows(np.arange(len(problem.y)))
    found = []
    for w in places:
        r = problem.y.copy()
        for column, coefficient in zip(X.T, w, strict=True):
            r -= column * coefficient
        found.append(r)
    return found


@dataclass(frozen=True, eq=False)
class Cells:
    """How the rows that are not kept are parted into pools: by the signs of their residuals.

    Attributes:
        start: Where each pool has one sign, + or − or 0.
        typical: The size of y that rounding is measured by.
        later: Other coefficients, at which each pool has one sign, too.
    """

    start: Start
    typical: float
    later: tuple[Vector, ...] = ()

    def also_at(self, w: Vector) -> Cells:
        """The same parted further, by the signs at these coefficients."""
        return replace(self, later=(*self.later, w))

    def turned(self, problem: Problem, start: Vector, r: Vector) -> NDArray[np.int8]:
        """(k,) 1 or −1, the sign of r, where it is not that at the start; 0 where it is.

        Residuals of rounding size have every sign.
        """
        other = np.where(start == 0, r != 0, r * np.sign(start) < 0)
        other &= np.abs(r) > ROUNDING * (np.abs(problem.y) + self.typical)
        return np.where(other, np.sign(r), 0).astype(np.int8)

    def numbers(self, problem: Problem, start: Vector) -> Index:
        """(k,) each row's cell: a digit in {−1, 0, 1} for each place, to the base 3."""
        numbers = np.sign(start).astype(np.intp)
        for r in _row_by_row(problem, self.later) if self.later else ():
            numbers = 3 * numbers + self.turned(problem, start, r)
        return numbers


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows of one sign: how many, and Σ vᵢ, Σ vᵢxᵢ (d,) and Σ vᵢrᵢ over them."""

    sign: int
    count: int
    weight: float
    X: Vector
    r: float

    def __add__(self, other: Pool) -> Pool:
        return Pool(
            self.sign,
            self.count + other.count,
            self.weight + other.weight,
            self.X + other.X,
            self.r + other.r,
        )

    @property
    def size(self) -> Vector:
        """(d + 1,) the sums of the weights and of the rows, without their signs."""
        size: Vector = np.abs(np.append(self.X, self.weight))
        return size

    def __neg__(self) -> Pool:
        return Pool(self.sign, -self.count, -self.weight, -self.X, -self.r)


@dataclass(frozen=True, eq=False)
class Pools:
    """The pools of some rows, by the numbers of their cells, in order."""

    by_cell: dict[int, Pool]

    def __add__(self, other: Pools) -> Pools:
        both = dict(self.by_cell)
        for cell, pool in other.by_cell.items():
            both[cell] = both[cell] + pool if cell in both else pool
        return Pools({cell: both[cell] for cell in sorted(both) if both[cell].count})

    def __sub__(self, other: Pools) -> Pools:
        return self + Pools({cell: -pool for cell, pool in other.by_cell.items()})

    def is_rounding_of(self, taken: Pools) -> bool:
        """Whether so much has been taken from a pool that what is left may be its rounding."""
        both = self.by_cell.keys() & taken.by_cell.keys()
        pairs = ((self.by_cell[cell], taken.by_cell[cell]) for cell in both)
        return any((left.size < LEFT * pool.size).any() for left, pool in pairs)


def pools(problem: Problem, r: Vector, cells: Index, among: Index) -> Pools:
    """Those of some of the rows: from their residuals at the start, and their cells."""
    r, cells, v = r[among], cells[among], problem.v[among]
    numbers, firsts, which = np.unique(cells, return_index=True, return_inverse=True)
    members = csc_array((v, which, np.arange(len(r) + 1)), shape=(len(numbers), len(r)))
    sums = zip(
        numbers.tolist(),
        np.sign(r[firsts]).astype(int).tolist(),
        np.bincount(which).tolist(),
        (members @ np.ones(len(r))).tolist(),
        members @ problem.X.rows(among),
        (members @ r).tolist(),
        strict=True,
    )
    return Pools({cell: Pool(*rest) for cell, *rest in sums})


def pools_by_sign(problem: Problem, r: Vector, among: NDArray[np.bool_] | bool = True) -> Pools:
    """One pool for each sign that occurs among these rows."""
    found = {}
    for sign, has_sign in ((-1, r < 0), (0, r == 0), (1, r > 0)):
        chosen = has_sign & among
        if chosen.any():
            members = problem.v * chosen
            found[sign] = Pool(
                sign,
                int(np.count_nonzero(chosen)),
                float(members.sum()),
                problem.X.tdot(members),
                float(members @ r),
            )
    return Pools(found)


@dataclass(frozen=True, eq=False)
class Pairing:
    """The dual variables of all rows.

    Attributes:
        cells: How the pooled rows are parted.
        shares: What the rows of each cell have per weight; None for the wall of their sign.
    """

    cells: Cells
    shares: dict[int, float | None]

    def dual(self, problem: Problem, r: Vector, kept: Index, a: Vector) -> Vector:
        """(k,) of a chunk, with r the residuals at the start, and a those of its kept rows."""
        full = problem.walls(r)
        inside = {cell: share for cell, share in self.shares.items() if share is not None}
        numbers = self.cells.numbers(problem, r) if inside else np.zeros(0)
        for cell, share in inside.items():
            same = numbers == cell
            full[same] = problem.v[same] * share
        full[kept] = a
        return np.clip(full, problem.lower, problem.upper)
