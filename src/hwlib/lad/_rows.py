"""What the reduction asks of all rows, wherever they are; and the answers of rows in memory.

The coefficients go to the rows, and sums come back, or a few rows. An implementation whose rows
are elsewhere may answer several of these questions in one pass over them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._design import DenseDesign, Vector
from hwlib.lad._problem import Problem, stacked, thinned
from hwlib.lad._reference import solve_surely
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import fitted_again

SEED = 0
# In units of √(dn): rows of the pilot, in the band that a density is taken from, kept at first.
PILOT, BAND, KEPT = 1.0, 3.0, 1.5
ROUNDING = 2.0**-46


@dataclass(frozen=True, eq=False)
class Few:
    """Some of the rows, in memory.

    Attributes:
        index: (k,) their numbers among all rows.
        problem: What these rows alone would ask for.
        r: (k,) their residuals at the place where they were chosen.
    """

    index: NDArray[np.intp]
    problem: Problem
    r: Vector

    def __add__(self, others: Few) -> Few:
        """These rows, then the others."""
        index = np.concatenate([self.index, others.index])
        return Few(index, stacked([self.problem, others.problem]), np.append(self.r, others.r))

    def chosen(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Few:
        """Some of these rows."""
        which = np.arange(len(self.index))[which]
        return Few(self.index[which], self.problem.choose(which), self.r[which])


class Rows(Protocol):
    """All rows of a problem."""

    def sample(self) -> Problem:
        """About √(dn) rows by chance."""

    def middle(self) -> Rows:
        """Rows by chance, as many as the geometric mean of n and the number in the sample."""

    def at(self, w: Vector) -> Place:
        """The place with these coefficients."""


class Place(Protocol):
    """Coefficients, and what the rows say there; with r = y − Xw."""

    @property
    def w(self) -> Vector:
        """(d,)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""

    @property
    def rounds(self) -> int:
        """How often rows may be kept in vain before all are solved at once."""

    @property
    def most(self) -> int:
        """How many rows may be kept."""

    def loss(self) -> float:
        """Σ vᵢ ρ(rᵢ)."""

    def loss_and_slope(self) -> tuple[float, Vector]:
        """The loss, and its gradient times −1."""

    def nearest(self, count: int) -> Few:
        """About so many rows with the smallest |r|."""

    def moved(self, dw: Vector) -> Place:
        """The place at w + dw."""

    def tied(self, count: int) -> tuple[Place, Few] | None:
        """With more fitted rows than that: these at residual 0, and a choice of them."""

    def pooled(self, kept: Few) -> Pools:
        """The other rows, pooled by the sign of r."""

    def solve_all(self) -> Solution:
        """The optimum from all rows at once."""


class Pools(Protocol):
    """All rows that are not kept, pooled by the sign of their residual: +, − or 0."""

    @property
    def kept(self) -> Few:
        """The others."""

    def reduced(self) -> Problem:
        """The kept rows, then the pools, with r in the place of y."""

    def end(self, inner: Solution) -> End:
        """What the solution of the reduced problem is to all rows."""


class End(Protocol):
    """The solution of a reduced problem, brought to all rows."""

    def changed(self, count: int) -> Few:
        """The pooled rows whose residual has another sign now, by more than rounding.

        If they are more than ``count``, those that change first on the way.
        """

    def parted(self, changed: Few) -> Pools:
        """The pools without these rows, which are kept.

        If more have changed, each pool is parted by the signs here.
        """

    def solution(self, steps: int) -> Solution:
        """The optimum, if no row has changed its sign."""


def unit(shape: tuple[int, int]) -> float:
    """√(dn), the unit of the numbers of rows."""
    n, d = shape
    return float(np.sqrt(n * d))


class Here:
    """Rows in memory, or in a memory map; X is never copied."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._rng = np.random.default_rng(SEED)

    def sample(self) -> Problem:
        """About √(dn) rows by chance."""
        return self._drawn(int(PILOT * unit(self.problem.X.shape)))

    def middle(self) -> Here:
        """The geometric mean of the sample and all."""
        n, d = self.problem.X.shape
        return Here(self._drawn(int(np.sqrt(int(PILOT * unit((n, d))) * n))))

    def at(self, w: Vector) -> _PlaceHere:
        """The place with these coefficients."""
        return _PlaceHere(self.problem, w, self.problem.residuals(w), self._rng)

    def _drawn(self, count: int) -> Problem:
        return self.problem.choose(np.sort(self._rng.integers(len(self.problem.y), size=count)))


@dataclass(frozen=True, eq=False)
class _PlaceHere:
    """Coefficients with all residuals."""

    problem: Problem
    w: Vector
    r: Vector
    rng: np.random.Generator
    rounds = 6

    @property
    def shape(self) -> tuple[int, int]:
        return self.problem.X.shape

    @property
    def most(self) -> int:
        return self.shape[0] // 2

    def loss(self) -> float:
        return self.problem.loss(self.r)

    def loss_and_slope(self) -> tuple[float, Vector]:
        walls = self.problem.walls(self.r)
        return float((self.r * walls).sum()), self.problem.X.tdot(walls)

    def nearest(self, count: int) -> Few:
        size = np.abs(self.r)
        return self.few(np.flatnonzero(size <= threshold(thinned(size), count, len(size))))

    def few(self, index: NDArray[np.intp]) -> Few:
        return Few(index, self.problem.choose(index), self.r[index])

    def moved(self, dw: Vector) -> Self:
        return replace(self, w=self.w + dw, r=self.r - self.problem.X.dot(dw))

    def tied(self, count: int) -> tuple[_PlaceHere, Few] | None:
        size = np.abs(self.problem.y) + self.problem.typical
        fitted = np.abs(self.r) <= ROUNDING * size
        if np.count_nonzero(fitted) <= count:
            return None
        place = replace(self, r=np.where(fitted, 0, self.r))
        return place, place.few(self.rng.permutation(np.flatnonzero(fitted))[:count])

    def pooled(self, kept: Few) -> _PoolsHere:
        masks = {1: self.r > 0, -1: self.r < 0, 0: self.r == 0}
        return _pools_here(self, kept, masks.items())

    def solve_all(self) -> Solution:
        return solve_surely(self.problem)


@dataclass(frozen=True, eq=False)
class _PoolsHere:
    """All rows that are not kept, as one mask for each pool, with the sign of its residuals."""

    place: _PlaceHere
    kept: Few
    pools: list[tuple[int, NDArray[np.bool_]]]

    def reduced(self) -> Problem:
        problem, kept, r = self.place.problem, self.kept, self.place.r
        few = kept.problem
        rows, targets, weights = [few.X.rows(np.arange(len(few.y)))], [kept.r], [few.v]
        for _, pool in self.pools:
            members = problem.v * pool
            weight = members.sum()
            rows.append(problem.X.tdot(members)[None] / weight)
            targets.append(np.array([members @ r / weight]))
            weights.append(np.array([weight]))
        design = DenseDesign(np.concatenate(rows))
        return Problem(design, np.concatenate(targets), np.concatenate(weights), problem.quantile)

    def end(self, inner: Solution) -> _EndHere:
        w = self.place.w + inner.w
        return _EndHere(self, inner, w, self.place.problem.residuals(w))


def _pools_here(
    place: _PlaceHere, kept: Few, pools: Iterable[tuple[int, NDArray[np.bool_]]]
) -> _PoolsHere:
    """Those of these masks that have rows when the kept ones are taken out."""
    pools = list(pools)
    for _, pool in pools:
        pool[kept.index] = False
    return _PoolsHere(place, kept, [(sign, pool) for sign, pool in pools if pool.any()])


@dataclass(frozen=True, eq=False)
class _EndHere:
    """The coefficients that the reduced problem led to, with all residuals."""

    pools: _PoolsHere
    inner: Solution
    w: Vector
    r: Vector

    def changed(self, count: int) -> Few:
        index, start = self._turned, self.pools.place.r
        if len(index) > count:
            when = start[index] / (start[index] - self.r[index])
            index = index[np.argpartition(when, count)[:count]]
        return self.pools.place.few(index)

    @cached_property
    def _turned(self) -> NDArray[np.intp]:
        """The pooled rows whose sign is not that of their pool."""
        problem = self.pools.place.problem
        other = np.zeros(len(self.r), dtype=bool)
        for sign, pool in self.pools.pools:
            other |= pool & (self.r * sign < 0 if sign else self.r != 0)
        index = np.flatnonzero(other)
        size = np.abs(problem.y[index]) + problem.typical
        return index[np.abs(self.r[index]) > ROUNDING * size]

    def parted(self, changed: Few) -> _PoolsHere:
        pools, turned = self.pools.pools, np.zeros(len(self.r), dtype=np.int8)
        turned[self._turned] = np.sign(self.r[self._turned])
        if len(changed.index) < len(self._turned):
            pools = [(sign, pool & (turned == part)) for sign, pool in pools for part in (0, 1, -1)]
        return _pools_here(self.pools.place, self.pools.kept + changed, pools)

    def solution(self, steps: int) -> Solution:
        problem, kept, inner = self.pools.place.problem, self.pools.kept.index, self.inner
        w, r, a = self.w, self.r, self._dual()
        if inner.is_settled:
            w, r = fitted_again(problem, w, a, r, kept)
        return Solution(w, a, steps, inner.is_settled, np.sort(kept), r)

    def _dual(self) -> Vector:
        """The dual variables of all rows: a pool's is shared out in proportion to the weights."""
        problem, kept = self.pools.place.problem, self.pools.kept.index
        v, full = problem.v, problem.walls(self.pools.place.r)
        totals = self.inner.a[len(kept) :]
        for (sign, pool), total in zip(self.pools.pools, totals, strict=True):
            share = total / float((v * pool).sum())
            inside = off_the_wall(share, sign, problem.quantile)
            if inside is not None:
                full[pool] = v[pool] * inside
        full[kept] = self.inner.a[: len(kept)]
        return full


def threshold(part: Vector, count: int, n: int) -> float:
    """What about ``count`` of n sizes do not exceed, as a part of them tells."""
    rank = min(len(part) - 1, count * len(part) // n)
    return float(np.partition(part, rank)[rank])


def off_the_wall(share: float, sign: int, tau: float) -> float | None:
    """The dual variable of a pool, per weight, unless it is at the wall that its sign says."""
    wall = tau if sign > 0 else tau - 1
    if sign and abs(share - wall) <= ROUNDING:
        return None
    return float(np.clip(share, tau - 1, tau))
