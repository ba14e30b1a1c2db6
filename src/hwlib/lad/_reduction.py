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
   also the rows that change theirs first; if more have changed, part each pool by the signs here,
   so that the reduced problem has the right value here, too; and solve again.

What is asked of all rows goes through :class:`~hwlib.lad._rows.Rows`, so that they may be in
memory or elsewhere. How good the pilot is decides how many rows are kept, and how often. Where some
rounds are in vain the rows are not what they seemed, and all of them are solved at once.

S. Portnoy, R. Koenker, *The Gaussian Hare and the Laplacian Tortoise*, Statistical Science 12(4),
1997, https://doi.org/10.1214/ss/1030037960; P. Bickel, *One-Step Huber Estimates in the Linear
Model*, JASA 70, 1975, https://doi.org/10.1080/01621459.1975.10479884.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwlib.lad._columns import inverse_root
from hwlib.lad._design import Vector
from hwlib.lad._direct import conditioned
from hwlib.lad._interior_point import central_path
from hwlib.lad._problem import Problem
from hwlib.lad._reference import solve_surely
from hwlib.lad._rows import BAND, KEPT, Few, Here, Place, Rows, unit
from hwlib.lad._solution import Solution

LARGE = 1000
PILOT_GAP = 1e-2


def solve_by_reduction(rows: Rows) -> Solution:
    """Solve a problem with many more rows than columns."""
    sample = rows.sample()
    if len(np.unique(sample.y)) < len(sample.y) / 2:
        return _solve_tied(rows, solve_surely(sample))
    w, steps = _pilot(sample, rows.middle())
    return _reduce(rows.at(w), steps)


def is_large(shape: tuple[int, int]) -> bool:
    """Whether a problem has so many rows that leaving some out pays."""
    n, d = shape
    return n > LARGE + 40 * d


def _pilot(sample: Problem, middle: Rows) -> tuple[Vector, int]:
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
        w = _newton(middle.at(w)).w
    return w, steps


def _reduce(place: Place, steps: int) -> Solution:
    """Solve a problem from coefficients that are near its optimum."""
    place = _newton(place)
    return _solve_kept(place, place.nearest(int(KEPT * unit(place.shape))), steps)


def _solve_tied(rows: Rows, pilot: Solution) -> Solution:
    """Solve a problem with few values of y, whose optimum many rows may meet in.

    A step from the optimum of a sample could only lose it. Of the rows that it fits, a random
    choice is kept; the others make a pool of their own.
    """
    place = rows.at(pilot.w)
    tied = place.tied(int(KEPT * unit(place.shape)))
    return _solve_kept(*tied, pilot.steps) if tied else _reduce(place, pilot.steps)


def _solve_kept(place: Place, kept: Few, steps: int) -> Solution:
    """Solve a problem from a place, keeping these rows and more as they turn out."""
    count, solve, pools = max(len(kept.index), 1), _solve_inner, place.pooled(kept)
    for _ in range(place.rounds):
        if len(pools.kept.index) > place.most:
            break
        inner = solve(pools.reduced())
        steps += inner.steps
        end = pools.end(inner)
        changed = end.changed(count)
        if len(changed.index) == 0:
            return end.solution(steps)
        pools = end.parted(changed)
        count *= 2
        solve = solve_surely  # 0 has turned out not to be near its optimum
    solution = place.solve_all()
    return replace(solution, steps=solution.steps + steps)


def _solve_inner(problem: Problem) -> Solution:
    if is_large(problem.X.shape):
        return _reduce(Here(problem).at(np.zeros(problem.X.shape[1])), 0)
    return solve_surely(problem)


def _newton(place: Place) -> Place:
    """One step towards the optimum."""
    near = place.nearest(int(BAND * unit(place.shape)))
    if len(near.index) == 0:
        return place
    width = 2 * np.abs(near.r).max()
    half, _ = inverse_root(near.problem)
    loss, slope = place.loss_and_slope()
    moved = place.moved(width * (half @ (half.T @ slope)))
    return moved if moved.loss() < loss else place  # the density was wrong: better none
