"""The reduction's questions, answered where the chunks are: few passes, little that comes back.

Only √(dn) rows and sums of length d or d × d reach the client. A pass answers at once all that may
be asked about a place: the rows near it, and for the others the sums by sign. So a fit reads

1. once for a first look, with the samples that the pilot is made from,
2. once around the pilot, for the step on all rows,
3. once after that step, for the rows to keep and the pools of the others,
4. once at the end, for the signs and the certificate.

Each round in vain and each proof that needs more than the kept rows adds a pass; unknown lengths
and weights add one over y and the weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from operator import itemgetter
from typing import Any, Generic, TypeVar

import numpy as np

from hwlib.lad import _passes, _precise
from hwlib.lad._certificate import Bound, Certificate, Scale, farthest, proven
from hwlib.lad._chunks import Chunks, Tasks, computed
from hwlib.lad._columns import independent, inverse_root, is_well_conditioned, root_of
from hwlib.lad._design import DenseDesign, Vector
from hwlib.lad._passes import Finish, Look, Squares, Survey, Triangles
from hwlib.lad._pools import Cells, Pairing, Pools, Start, Tie, pools, pools_by_sign
from hwlib.lad._problem import OUT_OF_RANGE, Problem, is_in_range
from hwlib.lad._rows import (
    BAND,
    KEPT,
    PILOT,
    ROUNDING,
    SEED,
    Few,
    off_the_wall,
    threshold,
    unit,
)
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import EXACT, room, scaled

# Up to so many numbers may come to the client where the optimum calls for it: 1 GiB.
MANY = 2**27
# Up to so many pools are parted further: they have to stay few beside the rows.
PARTS = 2000
# A chunk may hold so many times the rows that were wanted of all, unless they are ties; of these,
# so many times its part.
SPARE, SPARE_TIES = 4, 8


T = TypeVar("T")


class once(Generic[T]):  # noqa: N801
    """A property that is computed once; without the lock that functools' has before Python 3.12.

    A pass waits for tasks, in which other fits may be at work: they must not wait for it.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute

    def __get__(self, owner: Any, _: type) -> T:
        value = owner.__dict__[self._compute.__name__] = self._compute(owner)
        return value


class TooManyRowsError(Exception):
    """The optimum is not settled by few rows."""


@dataclass(frozen=True, eq=False)
class There:
    """All rows of a problem, in chunks elsewhere.

    Attributes:
        chunks: Where they are.
        seen: What the first look saw.
        tau: The quantile.
        drawn: The middle sample, which stays where it was drawn.
    """

    chunks: Chunks
    seen: Look
    tau: float
    drawn: list[Chunks] = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.chunks.n, self.chunks.d

    @property
    def scale(self) -> Scale:
        """What rounding is measured by."""
        return Scale(self.seen.targets, self.seen.reach)

    def sample(self) -> Problem:
        """About √(dn) rows by chance."""
        return self.seen.sample

    def middle(self) -> There:
        """The middle sample; it is let go after that."""
        return replace(self, chunks=self.drawn.pop(), drawn=[])

    def at(self, w: Vector) -> PlaceThere:
        """The place with these coefficients."""
        return PlaceThere(self, Start(w))

    @once
    def infeasibility(self) -> Infeasibility:
        """How far a dual is from feasible."""
        return Infeasibility(self.chunks)


@dataclass(frozen=True, eq=False)
class Infeasibility:
    """Bounds on ‖Xh‖∞ over all rows, as :mod:`hwlib.lad._certificate` has it."""

    chunks: Chunks

    @once
    def squares(self) -> Squares:
        """The sums of squares of all rows: a pass."""
        found: Squares = self.chunks.over(_passes.squares)
        return found

    @once
    def triangles(self) -> Triangles:
        """R of the QR decomposition of all rows: a pass, of some fifty times the work."""
        found: Triangles = self.chunks.over(_passes.triangles)
        return found

    @property
    def rank(self) -> int:
        """How many columns do not depend on those to their left."""
        if is_well_conditioned(self.squares.gram):
            return self.chunks.d
        return len(independent(self.triangles.weighted)[0])

    def bounds(self) -> Iterator[Bound]:
        """One bound after the other, each closer and dearer than the one before."""
        if is_well_conditioned(self.squares.gram):
            yield self.rough
        yield self.exact

    def rough(self, e: Vector, error: Vector) -> float:
        """From the largest entry of each column."""
        half, _ = root_of(self.squares.gram, lambda: self.triangles.weighted)
        size, more = self.squares.largest, np.linalg.norm(np.abs(half).T @ error)
        h = half @ (half.T @ e)
        return float(size @ np.abs(h) + more * np.linalg.norm(np.abs(half).T @ size))

    def exact(self, e: Vector, error: Vector) -> float:
        """From each row: a pass, and where columns depend on one another two more."""
        half, dependent = root_of(self.squares.gram, lambda: self.triangles.weighted)
        plain = None
        if dependent.shape[1]:
            R = self.triangles.plain
            gram = R.T @ R
            ones, free = root_of(gram, lambda: R)
            if free.shape[1] != dependent.shape[1]:
                return np.inf
            along = self.chunks.over(_passes.overlaps, ones, free)
            plain = ones, free, along, gram.diagonal()
        found = self.chunks.over(_passes.width, plain, half, e, error)
        return np.inf if found.is_wide else float(found.farthest)


def looked_at(chunks: Chunks, tau: float) -> There:
    """The first pass: the sums that all rests on, the samples, and the refusals.

    Raises:
        ValueError: An entry is not finite, or their sums are not.
    """
    n, d = chunks.n, chunks.d
    size = int(PILOT * unit((n, d)))
    rng = np.random.default_rng(SEED)
    sample = np.sort(rng.integers(n, size=size))
    parts = [ceil(count * np.sqrt(size / n)) for count in chunks.counts]
    step = max(1, int(np.sqrt(n) / 16))
    each = [(part, step, *own) for part, own in zip(parts, chunks.split(sample), strict=True)]
    pairs = chunks.tasks(_passes.look, each=each)
    sums = pairs.then("lad-seen", ((itemgetter(0), key) for key in pairs.keys)).added()
    calls = [(itemgetter(1), key) for key in pairs.keys] + [(itemgetter(0), sums.keys)]
    *drawn, last = (kept := sums.then("lad-drawn", calls).persisted()).keys
    seen: Look = computed(Tasks([last], kept.graph))
    if not is_in_range(seen.reach, seen.targets, np.array([seen.least, seen.largest])):
        raise ValueError(OUT_OF_RANGE)
    lengths = np.where(chunks.counts > 0, parts, 0)
    return There(chunks, seen, tau, [Chunks(Tasks(drawn, kept.graph), lengths, lengths, d)])


@dataclass(frozen=True, eq=False)
class PlaceThere:
    """Coefficients, at which one pass says all that is asked."""

    rows: There
    start: Start
    rounds = 16  # all rows at once are dear, or cannot be had

    @property
    def most(self) -> int:
        n, d = self.shape
        return min(n // 2, MANY // d)

    @property
    def w(self) -> Vector:
        return self.start.w

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape

    @once
    def survey(self) -> Survey:
        """The rows in the band around the fit, and the pools of the others: a pass."""
        counts, n = self.rows.chunks.counts, self.shape[0]
        count = int(BAND * unit(self.shape))
        limit = self._threshold(count)
        most = [SPARE * count if limit else ceil(SPARE_TIES * count * part / n) for part in counts]
        each = [(part,) for part in most]
        found: Survey = self.rows.chunks.over(_passes.survey, self.start, limit, each=each)
        return found

    def loss(self) -> float:
        return self.loss_and_slope()[0]

    def loss_and_slope(self) -> tuple[float, Vector]:
        near, tau = self.survey.near, self.rows.tau
        walls = near.problem.walls(near.r)
        loss, slope = float((near.r * walls).sum()), near.problem.X.tdot(walls)
        for pool in self.survey.pools.by_cell.values():
            wall = tau if pool.sign > 0 else tau - 1
            loss, slope = loss + wall * pool.r, slope + wall * pool.X
        return loss, slope

    def nearest(self, count: int) -> Few:
        near = self.survey.near
        return near.chosen(np.abs(near.r) <= self._threshold(count))

    def moved(self, dw: Vector) -> PlaceThere:
        return self.rows.at(self.w + dw)

    def tied(self, count: int) -> tuple[PlaceThere, Few] | None:
        thin = self.rows.seen.thin
        fitted = np.abs(thin.residuals(self.w)) <= ROUNDING * (np.abs(thin.y) + thin.typical)
        expected = float(fitted.mean()) * self.shape[0]
        if expected <= count:
            return None
        tie = Tie(thin.typical, count / expected)
        place = PlaceThere(self.rows, Start(self.w, tie))
        return place, place.survey.near

    def pooled(self, kept: Few) -> PoolsThere:
        near = self.survey.near
        others = ~np.isin(near.index, kept.index)
        rest = pools_by_sign(near.problem, near.r, others)
        cells = Cells(self.start, self.rows.seen.thin.typical)
        return PoolsThere(self, kept, cells, self.survey.pools + rest)

    def solve_all(self) -> Solution:
        raise TooManyRowsError

    def _threshold(self, count: int) -> float:
        size = np.abs(self.rows.seen.thin.residuals(self.w))
        return threshold(size, count, self.shape[0])


@dataclass(frozen=True, eq=False)
class PoolsThere:
    """All rows that are not kept, as the sums of each pool."""

    place: PlaceThere
    kept: Few
    cells: Cells
    pools: Pools

    def reduced(self) -> Problem:
        few, pools = self.kept.problem, self.pools.by_cell.values()
        X = np.concatenate(
            [few.X.rows(np.arange(len(few.y)))] + [pool.X[None] / pool.weight for pool in pools]
        )
        y = np.append(self.kept.r, [pool.r / pool.weight for pool in pools])
        v = np.append(few.v, [pool.weight for pool in pools])
        return Problem(DenseDesign(X), y, v, few.quantile)

    def end(self, inner: Solution) -> EndThere:
        few = self.kept.problem
        w: Vector = self.place.w + inner.w
        a: Vector = np.clip(inner.a[: len(few.y)], few.lower, few.upper)
        pools = self.pools.by_cell.items()
        shares = {
            cell: off_the_wall(float(total) / pool.weight, pool.sign, few.quantile)
            for (cell, pool), total in zip(pools, inner.a[len(few.y) :], strict=True)
        }
        return EndThere(self, Pairing(self.cells, shares), w, a, inner.is_settled)

    def keep(self, more: Few) -> PoolsThere:
        cells = self.cells.numbers(more.problem, more.r)
        moved = pools(more.problem, more.r, cells, np.arange(len(more.r)))
        rest = replace(self, kept=self.kept + more, pools=self.pools - moved)
        return rest.summed_again() if rest.pools.is_rounding_of(moved) else rest

    def summed_again(self) -> PoolsThere:
        """The same, from the rows themselves: a pass."""
        chunks, kept = self.place.rows.chunks, self.kept
        found = chunks.over(_passes.parted, self.cells, each=chunks.split(kept.index, kept.r))
        return replace(self, pools=found)


@dataclass(frozen=True, eq=False)
class EndThere:
    """A pair that may be optimal, with what all rows say of it in one pass.

    Attributes:
        pools: The kept rows, and the pools of the others.
        pairing: The dual variables of the others.
        w: (d,) coefficients.
        a: (k,) dual variables of the kept rows.
        is_settled: Whether w fits its rows exactly.
        precise: Whether the sums are taken in twice the precision.
    """

    pools: PoolsThere
    pairing: Pairing
    w: Vector
    a: Vector
    is_settled: bool
    precise: bool = False

    @property
    def rows(self) -> There:
        """All rows."""
        return self.pools.place.rows

    @property
    def kept(self) -> Few:
        """The rows that are in memory."""
        return self.pools.kept

    @once
    def finish(self) -> Finish:
        """The signs and the sums of the certificate: a pass."""
        most = int(KEPT * unit(self.rows.shape))
        found: Finish = self.over(_passes.finish, self.pairing, self.w, most, self.precise)
        return found

    def over(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A pass in which each chunk knows its kept rows and their a."""
        return self.rows.chunks.over(function, *arguments, each=self.each)

    @property
    def each(self) -> list[tuple[Any, ...]]:
        """The kept rows of each chunk, and their a."""
        return self.rows.chunks.split(self.kept.index, self.a)

    def changed(self, count: int) -> Few:
        found = self.finish
        return found.changed.chosen(np.sort(found.when.argsort()[:count]))

    def parted(self, changed: Few) -> PoolsThere:
        pools, cells = self.pools, self.pairing.cells.also_at(self.w)
        if len(changed.index) < self.finish.count and len(pools.pools.by_cell) < PARTS:
            found = self.finish.pools if self.pairing.cells.later else None
            pools = replace(pools, cells=cells, pools=found or self.over(_passes.parted, cells))
        return pools.keep(changed)

    def solution(self, steps: int) -> SolutionThere:
        return SolutionThere(self.w, self.a, steps, self.is_settled, end=self)

    def reduced(self) -> tuple[Problem, Solution]:
        """The kept rows and the pools, with their own targets, and the pair on them."""
        few, problem = self.kept.problem, self.pools.reduced()
        means = problem.X.rows(np.arange(len(few.y), len(problem.y)))
        y = np.append(few.y, problem.y[len(few.y) :] + means @ self.pools.place.w)
        walls = {1: few.quantile, -1: few.quantile - 1}
        shares = [
            walls[self.pools.pools.by_cell[cell].sign] if share is None else share
            for cell, share in self.pairing.shares.items()
        ]
        a = np.append(self.a, problem.v[len(few.y) :] * shares)
        return replace(problem, y=y), Solution(self.w, a)

    def keep(self, more: Few) -> EndThere:
        """The same pair, with more rows in memory."""
        a = self.pairing.dual(more.problem, more.r, np.zeros(0, dtype=np.intp), np.zeros(0))
        pools = self.pools.keep(more)
        shares = {cell: self.pairing.shares[cell] for cell in pools.pools.by_cell}
        pairing = replace(self.pairing, shares=shares)
        return replace(self, pools=pools, pairing=pairing, a=np.append(self.a, a))

    def certificate(self) -> Certificate:
        """The bound, with h from the kept rows, or from all where these do not do."""
        scale, tau = self.rows.scale, self.rows.tau
        return proven(self.finish.sums, scale, self.w, tau, self._bounds(), precise=self.precise)

    def _bounds(self) -> Iterator[Bound]:
        problem = self.kept.problem
        half, dependent = inverse_root(problem)
        if dependent.shape[1] == 0:
            yield partial(farthest, problem, half)
        yield from self.rows.infeasibility.bounds()

    def refined(self) -> EndThere:
        """The two linear systems solved again, as :func:`hwlib.lad._vertex.refine` has it."""
        problem, sums, w, a = self.kept.problem, self.finish.sums, self.w.copy(), self.a.copy()
        fitted, used = np.flatnonzero(room(problem, a) > EXACT), w != 0
        rows, y = problem.X.rows(fitted), problem.y[fitted]
        w[used] += scaled(rows[:, used], _precise.residuals(DenseDesign(rows), y, w))
        a[fitted] -= scaled(rows, sums.e + sums.left, transposed=True)
        return replace(self, w=w, a=np.clip(a, problem.lower, problem.upper))


@dataclass(frozen=True, eq=False)
class SolutionThere(Solution):
    """A solution whose dual variables stay with the rows; ``a`` holds those of the kept ones."""

    end: EndThere = field(kw_only=True)
