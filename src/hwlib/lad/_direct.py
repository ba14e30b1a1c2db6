"""A problem whose rows are in memory: along the central path, and from there to the optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwlib.lad._columns import independent, is_well_conditioned
from hwlib.lad._design import DenseDesign, Matrix, Vector
from hwlib.lad._interior_point import Point, central_path
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import Found, at_vertex, on_face

# Where least squares leaves no more than this share of the data, there is nothing to be won.
EXACT_FIT = 2.0**-46
# Below this gap the optimum is tried for after each step, whatever the rows look like.
TINY_GAP = 1e-9
# A row with more than this share of the way to the nearest wall is undecided; a descent along
# edges is begun once there are no more than so many of them for each column.
ROOM = 0.1
UNDECIDED = 1.2
SOME = 15
# Where the path ends elsewhere, as with weights of a dozen orders, so many edges may be descended.
PIVOTS = 5000


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A problem in coordinates in which sums of squares are safe, and the way back.

    Attributes:
        problem: The problem in these coordinates.
        back: (d, k), with w = back @ coordinates; None for the identity.
    """

    problem: Problem
    back: Matrix | None

    def original(self, w: Vector) -> Vector:
        """The coefficients of the original columns."""
        return w if self.back is None else self.back @ w


def conditioned(problem: Problem) -> Conditioned:
    """The problem itself, or, where its columns depend on one another, of those that do not.

    Columns that depend on those to their left get the coefficient 0. Where the others depend on one
    another nearly, an orthonormal basis takes their place.
    """
    n, d = problem.X.shape
    if n >= d and is_well_conditioned(problem.gram):
        return Conditioned(problem, None)
    A = problem.X.rows(np.arange(n))
    kept, Q = independent(A)
    back, columns = np.eye(d)[:, kept], A[:, kept]
    if not is_well_conditioned(problem.gram[np.ix_(kept, kept)]):
        back[kept], columns = np.linalg.inv(Q.T @ columns), Q
    return Conditioned(Problem(DenseDesign(columns), problem.y, problem.v, problem.quantile), back)


def solve_directly(problem: Problem) -> Solution:
    """Solve a problem on all of its rows."""
    inner = conditioned(problem)
    if inner.problem.X.shape[1] == 0:
        w, a = np.zeros(problem.X.shape[1]), problem.walls(problem.y)
        return Solution(w, a, is_settled=True)
    best: Point | None = None
    for point in central_path(inner.problem):
        if _fits_exactly(inner.problem, point):
            return Solution(inner.original(point.w), point.a, point.steps, is_settled=True)
        best = point
        found = _finish(inner.problem, point)
        if found:
            return Solution(inner.original(found[0]), found[1], point.steps, is_settled=True)
    assert best is not None
    found = at_vertex(inner.problem, best.w, best.a, best.r, PIVOTS)
    if found:
        return Solution(inner.original(found[0]), found[1], best.steps, is_settled=True)
    return Solution(inner.original(best.w), best.a, best.steps)


def _finish(problem: Problem, point: Point) -> Found:
    """The optimum, if the point is so close that it can be told."""
    found = None
    d, undecided = len(point.w), _undecided(problem, point)
    if undecided <= UNDECIDED * d + SOME:
        found = at_vertex(problem, point.w, point.a, point.r, pivots=undecided)
    if not found and point.relative_gap < TINY_GAP:
        found = on_face(problem, point.w, point.a)
    return found


def _undecided(problem: Problem, point: Point) -> int:
    """The number of rows with room on both sides in the dual: at a vertex, d."""
    room = np.minimum(problem.upper - point.a, point.a - problem.lower)
    side = min(problem.quantile, 1 - problem.quantile)
    return int(np.count_nonzero(room > ROOM * side * problem.v))


def _fits_exactly(problem: Problem, point: Point) -> bool:
    """Whether least squares leaves in each row no more than the rounding of that row."""
    if point.steps or np.abs(point.r).max() > EXACT_FIT * np.abs(problem.y).max():
        return False
    return _is_rounding(problem, point.w, point.r)


def _is_rounding(problem: Problem, w: Vector, r: Vector) -> bool:
    return bool((np.abs(r) <= EXACT_FIT * problem.sizes(w)).all())


def settled(inner: Conditioned, w: Vector, a: Vector, steps: int) -> Solution:
    """The optimum next to what another solver found in these coordinates, or that itself."""
    problem = inner.problem
    if len(w) == 0:
        return Solution(inner.original(w), problem.walls(problem.y), steps, is_settled=True)
    a = np.clip(a, problem.lower, problem.upper)
    r = problem.residuals(w)
    if _is_rounding(problem, w, r):  # then the loss is 0, which a = 0 proves
        return Solution(inner.original(w), np.zeros(len(a)), steps, is_settled=True)
    found = at_vertex(problem, w, a, r, pivots=2 * len(w)) or on_face(problem, w, a)
    w, a = found or (w, a)
    return Solution(inner.original(w), a, steps, is_settled=found is not None)
