r"""Many rows: solve a few of them exactly, and prove that the others do not matter.

At the optimum, a row whose residual is not 0 counts through the sign of that residual only. So:

1. A pilot: solve :math:`\sqrt{dn}` random rows, roughly. Then two Newton steps on a middle sample,
   of the geometric mean of their number and n.
2. One more Newton step on all rows (Bickel's one-step estimator). The matrix of each step is a
   density of residuals at 0: the rows with the smallest residuals, over the width of their band.
3. Keep the rows with the smallest residuals; pool all others by sign, each pool into one row, its
   weighted mean with the sum of the weights. As :math:`\rho_\tau` is convex and positively
   homogeneous, a pool costs at most what its rows cost together, and just as much as long as none
   of them changes its sign: the reduced problem bounds the full one from below.
4. Solve the reduced problem and look at the signs on all rows. If no pooled row has changed its
   sign, both problems have the same value here, so this is an optimum of the full one. Else keep
   also the rows that change theirs first, and solve again.

How good the pilot is decides how many rows are kept, and how often. Where four rounds are in vain
all rows are solved at once.

S. Portnoy, R. Koenker, *The Gaussian Hare and the Laplacian Tortoise*, Statistical Science 12(4),
1997, https://doi.org/10.1214/ss/1030037960; P. Bickel, *One-Step Huber Estimates in the Linear
Model*, JASA 70, 1975, https://doi.org/10.1080/01621459.1975.10479884.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._columns import inverse_root
from hwlib.lad._design import DenseDesign, Vector
from hwlib.lad._direct import conditioned
from hwlib.lad._interior_point import central_path
from hwlib.lad._problem import Problem, thinned
from hwlib.lad._reference import solve_surely
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import fitted_again

SEED = 0
LARGE = 1000
# In units of √(dn): rows of the pilot, in the band that a density is taken from, kept at first.
PILOT, BAND, KEPT = 1.0, 3.0, 1.5
PILOT_GAP = 1e-2
# After so many rounds in vain the rows are not what they seemed, and all of them are solved.
ROUNDS = 4
ROUNDING = 2.0**-46


def solve_by_reduction(problem: Problem) -> Solution:
    """Solve a problem with many more rows than columns."""
    n, m = problem.X.shape[0], int(PILOT * _unit(problem))
    rng = np.random.default_rng(SEED)
    sample = problem.choose(np.sort(rng.integers(n, size=m)))
    if len(np.unique(sample.y)) < m / 2:
        return _solve_tied(problem, solve_surely(sample), rng)
    middle = problem.choose(np.sort(rng.integers(n, size=int(np.sqrt(m * n)))))
    w, steps = _pilot(sample, middle)
    return _reduce(problem, w, steps)


def is_large(problem: Problem) -> bool:
    """Whether the problem has so many rows that leaving some out pays."""
    n, d = problem.X.shape
    return n > LARGE + 40 * d


def _pilot(sample: Problem, middle: Problem) -> tuple[Vector, int]:
    """Coefficients near the optimum, from two samples of the rows, and the steps it took."""
    inner = conditioned(sample)
    w: Vector = np.zeros(sample.X.shape[1])
    steps = 0
    if inner.problem.X.shape[1]:  # else all that was drawn is 0
        for point in central_path(inner.problem):
            w, steps = inner.original(point.w), point.steps
            if point.relative_gap < PILOT_GAP:
                break
    for _ in range(2):
        w = _newton(middle, w, middle.residuals(w))[0]
    return w, steps


def _reduce(problem: Problem, w: Vector, steps: int) -> Solution:
    """Solve a problem from coefficients that are near its optimum."""
    w, r = _newton(problem, w, problem.residuals(w))
    kept = _smallest(r, int(KEPT * _unit(problem)))
    return _solve_kept(problem, w, r, kept, steps)


def _solve_tied(problem: Problem, pilot: Solution, rng: np.random.Generator) -> Solution:
    """Solve a problem with few values of y, whose optimum many rows may meet in.

    A step from the optimum of a sample could only lose it. Of the rows that it fits, a random
    choice is kept; the others make a pool of their own.
    """
    r = problem.residuals(pilot.w)
    fitted = np.abs(r) <= ROUNDING * (np.abs(problem.y) + problem.typical)
    count = int(KEPT * _unit(problem))
    if np.count_nonzero(fitted) <= count:
        return _reduce(problem, pilot.w, pilot.steps)
    r[fitted] = 0
    kept = rng.permutation(np.flatnonzero(fitted))[:count]
    return _solve_kept(problem, pilot.w, r, kept, pilot.steps)


def _solve_kept(
    problem: Problem, w: Vector, r: Vector, kept: NDArray[np.intp], steps: int
) -> Solution:
    """Solve a problem from w, with residuals r, keeping these rows and more as they turn out."""
    count, solve = len(kept), _solve_inner
    for _ in range(ROUNDS):
        if len(kept) > len(r) / 2:
            break
        pools = _Pools(problem, r, kept)
        inner = solve(pools.reduced(kept))
        steps += inner.steps
        end: Vector = w + inner.w
        ends: Vector = problem.residuals(end)
        changed = pools.changed(ends)
        if len(changed) == 0:
            a = pools.dual(kept, inner.a)
            if inner.is_settled:
                end, ends = fitted_again(problem, end, a, ends, kept)
            return Solution(end, a, steps, inner.is_settled, np.sort(kept), ends)
        first = changed if len(changed) <= count else _first(r, ends, changed, count)
        kept = np.concatenate([kept, first])
        count *= 2
        solve = solve_surely  # 0 has turned out not to be near its optimum
    solution = solve_surely(problem)
    return replace(solution, steps=solution.steps + steps)


def _solve_inner(problem: Problem) -> Solution:
    if is_large(problem):
        return _reduce(problem, np.zeros(problem.X.shape[1]), 0)
    return solve_surely(problem)


def _newton(problem: Problem, w: Vector, r: Vector) -> tuple[Vector, Vector]:
    """One step towards the optimum from w, with its residuals r, and the residuals after it."""
    near = _smallest(r, int(BAND * _unit(problem)))
    width = 2 * np.abs(r[near]).max()
    half, _ = inverse_root(problem.choose(near))
    walls = problem.walls(r)
    slope = problem.X.tdot(walls)
    dw = width * (half @ (half.T @ slope))
    moved = r - problem.X.dot(dw)
    if not problem.loss(moved) < float((r * walls).sum()):  # the density was wrong: better none
        return w, r
    return w + dw, moved


def _unit(problem: Problem) -> float:
    n, d = problem.X.shape
    return float(np.sqrt(n * d))


class _Pools:
    """All rows that are not kept, pooled by the sign of their residual: +, − or 0."""

    def __init__(self, problem: Problem, r: Vector, kept: NDArray[np.intp]) -> None:
        self._problem, self._r = problem, r
        pools = {1: r > 0, -1: r < 0, 0: r == 0}
        for pool in pools.values():
            pool[kept] = False
        self._signs = [sign for sign, pool in pools.items() if pool.any()]
        self._pools = [pools[sign] for sign in self._signs]

    def reduced(self, kept: NDArray[np.intp]) -> Problem:
        """The kept rows, then the pools, with r in the place of y."""
        X, v, r = self._problem.X, self._problem.v, self._r
        rows, targets, weights = [X.rows(kept)], [r[kept]], [v[kept]]
        for pool in self._pools:
            members = v * pool
            weight = members.sum()
            rows.append(X.tdot(members)[None] / weight)
            targets.append(np.array([members @ r / weight]))
            weights.append(np.array([weight]))
        design = DenseDesign(np.concatenate(rows))
        quantile = self._problem.quantile
        return Problem(design, np.concatenate(targets), np.concatenate(weights), quantile)

    def changed(self, ends: Vector) -> NDArray[np.intp]:
        """The pooled rows whose residual has another sign now, by more than rounding."""
        other = np.zeros(len(ends), dtype=bool)
        for pool, sign in zip(self._pools, self._signs, strict=True):
            other |= pool & (ends * sign < 0 if sign else ends != 0)
        changed = np.flatnonzero(other)
        size = np.abs(self._problem.y[changed]) + self._problem.typical
        return changed[np.abs(ends[changed]) > ROUNDING * size]

    def dual(self, kept: NDArray[np.intp], a: Vector) -> Vector:
        """The dual variables of all rows: a pool's is shared out in proportion to the weights."""
        v, tau = self._problem.v, self._problem.quantile
        full = self._problem.walls(self._r)
        for pool, total, sign in zip(self._pools, a[len(kept) :], self._signs, strict=True):
            share = total / float((v * pool).sum())
            if sign == 0 or abs(share - (tau if sign > 0 else tau - 1)) > ROUNDING:
                full[pool] = v[pool] * np.clip(share, tau - 1, tau)
        full[kept] = a[: len(kept)]
        return full


def _smallest(r: Vector, count: int) -> NDArray[np.intp]:
    """About ``count`` rows with the smallest |r|, the threshold taken from a part of the rows."""
    size = np.abs(r)
    part = thinned(size)
    rank = min(len(part) - 1, count * len(part) // len(r))
    return np.flatnonzero(size <= np.partition(part, rank)[rank])


def _first(r: Vector, ends: Vector, changed: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Of the changed rows, those that change first on the way from r to ends."""
    when = r[changed] / (r[changed] - ends[changed])
    return changed[np.argpartition(when, count)[:count]]
