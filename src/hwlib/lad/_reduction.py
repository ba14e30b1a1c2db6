r"""Many rows: solve a few of them exactly, and prove that the others do not matter.

At the optimum, a row whose residual is not 0 counts through the sign of that residual only. So:

1. A pilot: solve about :math:`4\sqrt{dn}` random rows, roughly.
2. One Newton step from it on all rows (Bickel's one-step estimator), whose matrix is the pilot's
   density of residuals at 0: the rows in a band around it, divided by the width of the band.
3. Keep the rows with the smallest residuals; pool all others by sign, each pool into one row, its
   weighted mean with the sum of the weights. As :math:`\rho_\tau` is convex and positively
   homogeneous, a pool costs at most what its rows cost together, and just as much as long as none
   of them changes its sign: the reduced problem bounds the full one from below.
4. Solve the reduced problem and look at the signs on all rows. If no pooled row has changed its
   sign, both problems have the same value here, so this is an optimum of the full one. Else keep
   also the rows that change theirs first, and solve again.

How good the pilot is decides how many rows are kept and how often; never what comes out.

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
from hwlib.lad._direct import conditioned, solve_directly
from hwlib.lad._interior_point import central_path
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution

SEED = 0
LARGE = 1000
# In units of √(dn): rows of the pilot, in the band that a density is taken from, kept at first.
PILOT, BAND, KEPT = 1.0, 2.0, 1.0
PILOT_GAP = 1e-2
SAMPLED = 1 << 13
ROUNDING = 2.0**-46


def solve_by_reduction(problem: Problem) -> Solution:
    """Solve a problem with many more rows than columns."""
    w, steps = _pilot(problem)
    return _reduce(problem, w, steps)


def is_large(problem: Problem) -> bool:
    """Whether the problem has so many rows that leaving some out pays."""
    n, d = problem.X.shape
    return n > LARGE + 40 * d


def _pilot(problem: Problem) -> tuple[Vector, int]:
    """Coefficients near the optimum, from two samples of the rows, and the steps it took."""
    n, m = problem.X.shape[0], int(PILOT * _unit(problem))
    rng = np.random.default_rng(SEED)
    middle = problem.choose(np.sort(rng.integers(n, size=int(np.sqrt(m * n)))))
    inner = conditioned(problem.choose(np.sort(rng.integers(n, size=m))))
    for point in central_path(inner.problem):
        if point.relative_gap < PILOT_GAP:
            break
    return _newton(middle, inner.original(point.w))[0], point.steps


def _reduce(problem: Problem, w: Vector, steps: int) -> Solution:
    """Solve a problem from coefficients that are near its optimum."""
    w, r = _newton(problem, w)
    count = int(KEPT * _unit(problem))
    kept = _smallest(r, count)
    while len(kept) < len(r) / 2:
        pools = _Pools(problem, r, kept)
        reduced = pools.reduced(kept)
        start = np.zeros_like(w)
        inner = _reduce(reduced, start, 0) if is_large(reduced) else solve_directly(reduced)
        steps += inner.steps
        end = w + inner.w
        ends = problem.residuals(end)
        changed = pools.changed(ends)
        if len(changed) == 0:
            return Solution(
                end, pools.dual(kept, inner.a), steps, inner.is_settled, np.sort(kept), ends
            )
        first = changed if len(changed) <= count else _first(r, ends, changed, count)
        kept = np.concatenate([kept, first])
        count *= 2
    solution = solve_directly(problem)
    return replace(solution, steps=solution.steps + steps)


def _newton(problem: Problem, w: Vector) -> tuple[Vector, Vector]:
    """One step towards the optimum, and the residuals after it."""
    r = problem.residuals(w)
    near = _smallest(r, int(BAND * _unit(problem)))
    width = 2 * np.abs(r[near]).max()
    half = inverse_root(problem.choose(near))
    slope = problem.X.tdot(problem.walls(r))
    dw = width * (half @ (half.T @ slope))
    return w + dw, r - problem.X.dot(dw)


def _unit(problem: Problem) -> float:
    n, d = problem.X.shape
    return float(np.sqrt(n * d))


class _Pools:
    """All rows that are not kept, pooled by the sign of their residual."""

    def __init__(self, problem: Problem, r: Vector, kept: NDArray[np.intp]) -> None:
        self._problem, self._r = problem, r
        self._up, self._down = r > 0, r < 0
        self._up[kept] = self._down[kept] = False

    def reduced(self, kept: NDArray[np.intp]) -> Problem:
        """The kept rows and the two pools, with r in the place of y."""
        X, v, r = self._problem.X, self._problem.v, self._r
        rows, targets, weights = [X.rows(kept)], [r[kept]], [v[kept]]
        for pool in (self._up, self._down):
            members = v * pool
            weight = members.sum()
            if weight > 0:
                rows.append(X.tdot(members)[None] / weight)
                targets.append(np.array([members @ r / weight]))
                weights.append(np.array([weight]))
        design = DenseDesign(np.asfortranarray(np.concatenate(rows)))
        quantile = self._problem.quantile
        return Problem(design, np.concatenate(targets), np.concatenate(weights), quantile)

    def changed(self, ends: Vector) -> NDArray[np.intp]:
        """The pooled rows whose residual has another sign now, by more than rounding."""
        changed = np.flatnonzero((self._up & (ends < 0)) | (self._down & (ends > 0)))
        y, r = self._problem.y[changed], ends[changed]
        return changed[np.abs(r) > ROUNDING * (np.abs(y) + np.abs(y - r))]

    def dual(self, kept: NDArray[np.intp], a: Vector) -> Vector:
        """The dual variables of all rows: a pool's is shared out in proportion to the weights."""
        problem = self._problem
        full: Vector = problem.v * self._up
        full += problem.lower
        full[kept] = a[: len(kept)]
        return full


def _smallest(r: Vector, count: int) -> NDArray[np.intp]:
    """About ``count`` rows with the smallest |r|, the threshold taken from a part of the rows."""
    size = np.abs(r)
    part = size[:: max(1, len(r) // SAMPLED)]
    rank = min(len(part) - 1, count * len(part) // len(r))
    return np.flatnonzero(size <= np.partition(part, rank)[rank])


def _first(r: Vector, ends: Vector, changed: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Of the changed rows, those that change first on the way from r to ends."""
    when = r[changed] / (r[changed] - ends[changed])
    return changed[np.argpartition(when, count)[:count]]
