"""Whether the optimum is unique, and which one is returned where it is not.

Let a be dual optimal. Coefficients are optimal exactly if the residual is 0 in each row whose dual
variable is strictly inside its box, at least 0 where it is at the upper wall, and at most 0 where
it is at the lower one. These conditions describe a polytope, the optimal face. It does not depend
on how the data are written down: a row of weight 2 gives the same as two equal rows.

Where the face is more than a point, its middle is returned: of the first coefficient's range over
the face the midpoint, of the second's range over what is left the midpoint, and so on. For a column
of ones and an even number of rows that is the usual median.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._columns import NEARLY_DEPENDENT, ZERO, echelon, independent, triangle
from hwlib.lad._design import Matrix, Vector
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import is_vertex, scaled

# A dual variable closer than this to a wall, as a share of its weight, counts as being there.
AT_WALL = 2.0**-36
# A residual below this share of the numbers that it is the difference of is their rounding.
ROUNDING = 2.0**-46
# Below this share of the usual target, such numbers are themselves the rounding of coefficients 0.
NOISE = 2.0**-30
# How many conditions a linear program of the face starts with, and is given at a time.
CONDITIONS = 1000


def middle(problem: Problem, solution: Solution) -> tuple[Solution, bool | None]:
    """The middle of the optimal face, and whether it is a single point (None: not found out)."""
    d = len(solution.w)
    for rows in (solution.span, np.arange(len(solution.a))):  # a few rows, if they do, then all
        if rows is not None:
            inside = _inside(problem, solution.a, rows)
            if _spans(problem.X.rows(inside)):
                return solution, True
    face, rank = _face(problem, solution, inside)
    w = face.w
    try:
        single = face.shrink()
    except _UnresolvedError:
        return replace(solution, w=w, r=None), None if rank == d else False
    return replace(solution, w=face.w, r=None), bool(single and rank == d)


def fits_one_point(problem: Problem, a: Vector) -> bool:
    """Whether the rows with a inside its box determine w."""
    return _spans(problem.X.rows(_inside(problem, a, np.arange(len(a)))))


def extent(problem: Problem, solution: Solution) -> tuple[Vector, Matrix] | None:
    """W and (d, k) steps: the optimal face lies within w + steps @ t, |t| ≤ 1 in each entry.

    None where the face of these rows has no end, or it was not found.
    """
    inside = _inside(problem, solution.a, np.arange(len(solution.a)))
    face, _ = _face(problem, solution, inside)
    k = face.free.shape[1]
    try:
        ends = [face.range_of(leads) for leads in np.eye(k)]
    except _UnresolvedError:
        return None
    reach = [max(abs(low[j]), abs(high[j])) for j, (low, high) in enumerate(ends)]
    return face.w, face.free * np.array(reach)


def _face(problem: Problem, solution: Solution, inside: NDArray[np.intp]) -> tuple[_Face, int]:
    """The optimal face around a solution, and the rank of X."""
    w, d = solution.w, len(solution.w)
    R = triangle(problem)
    kept, _ = independent(R)
    if len(kept) < d:  # columns that depend on those to their left get the coefficient 0
        w = np.zeros(d)
        w[kept] = scaled(R[:, kept], R @ solution.w)
    # For columns of size 1: an entry that is small as its column is large is no rounding.
    units = np.exp2(np.frexp(np.sqrt(problem.gram.diagonal()))[1])[:, None]
    free = echelon(_null_space(problem.X.rows(inside), kept) * units) / units
    moves = np.empty((len(solution.a), free.shape[1]))
    for j, step in enumerate(free.T):
        moves[:, j] = problem.X.dot(step)
    side = np.where(2 * solution.a > problem.upper + problem.lower, 1.0, -1.0)
    side[inside] = 0
    r = problem.residuals(w)
    sizes = np.maximum(problem.sizes(w), NOISE * problem.typical)
    r[np.abs(r) <= ROUNDING * sizes] = 0
    return _Face(w, side * r, side[:, None] * moves, free, sizes, units), len(kept)


def _inside(problem: Problem, a: Vector, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of the rows whose dual variable is strictly inside its box."""
    room = np.minimum(problem.upper[rows] - a[rows], a[rows] - problem.lower[rows])
    return rows[room > AT_WALL * problem.v[rows]]


def _spans(rows: Matrix) -> bool:
    """Whether the rows leave no direction free."""
    return is_vertex(rows) or bool(_null_space(rows, np.arange(rows.shape[1])).shape[1] == 0)


class _UnresolvedError(Exception):
    """A linear program of the face was not solved."""


class _Face:
    """All w + free @ t with ``heights`` − ``slopes`` @ t ≥ 0, up to the share ZERO of ``sizes``."""

    def __init__(
        self,
        w: Vector,
        heights: Vector,
        slopes: Matrix,
        free: Matrix,
        sizes: Vector,
        units: Matrix,
    ) -> None:
        self.w, self.free, self.units = w, free, units
        self.heights, self.slopes = np.maximum(heights, 0), slopes
        self.tiny = ZERO * sizes
        self._drop_idle()

    def shrink(self) -> bool:
        """Halve the range of one coefficient after the other; whether there was none to halve."""
        single = True
        if self.free.shape[1] > 1 and (np.count_nonzero(self.slopes, axis=1) <= 1).all():
            return self._shrink_box()
        while self.free.shape[1]:
            steps = self.free * self.units
            size = np.abs(steps).max(axis=1)
            leads = steps[np.argmax(size > ZERO * size.max())]
            low, high = self.range_of(leads)
            single &= bool((np.abs(self.slopes @ (high - low)) <= self.tiny).all())
            self._move((low + high) / 2)
            rest = _null_space(leads[None], np.arange(len(leads)))
            self.free, self.slopes = self.free @ rest, self.slopes @ rest
            self._drop_idle()
        return single

    def _shrink_box(self) -> bool:
        """The middle of a face in which no condition ties two directions together."""
        single, free = True, self.free
        for direction, slopes in zip(free.T, self.slopes.T, strict=True):
            own = slopes != 0
            heights, steps = self.heights[own], slopes[own, None]
            edge = _Face(
                self.w, heights, steps, direction[:, None], self.tiny[own] / ZERO, self.units
            )
            single &= edge.shrink()
            self.w = edge.w
        return single

    def _drop_idle(self) -> None:
        """Leave out the conditions on which no direction has an influence beyond rounding."""
        size = np.abs(self.slopes).max(axis=1, initial=0)
        matter = size > ZERO * size.max(initial=0)
        self.heights, self.slopes = self.heights[matter], self.slopes[matter]
        self.tiny = self.tiny[matter]

    def _move(self, t: Vector) -> None:
        self.w = self.w + self.free @ t
        self.heights = np.maximum(self.heights - self.slopes @ t, 0)

    def range_of(self, leads: Vector) -> tuple[Vector, Vector]:
        """Where leads @ t is least and where it is greatest."""
        if len(leads) == 1:
            slopes = self.slopes[:, 0] * np.sign(leads[0])
            ahead, behind = slopes > 0, slopes < 0
            ends = (
                (self.heights[behind] / slopes[behind]).max(initial=-np.inf),
                (self.heights[ahead] / slopes[ahead]).min(initial=np.inf),
            )
            if not np.isfinite(ends).all():
                raise _UnresolvedError
            low, high = np.array(ends) * np.sign(leads[0])
            return np.array([low]), np.array([high])
        return self._extreme(leads), self._extreme(-leads)

    def _extreme(self, cost: Vector) -> Vector:
        """Where cost @ t is least: a linear program, with the conditions added as they matter."""
        from scipy.optimize import linprog

        scale = float(self.heights.max()) or 1.0  # HiGHS's tolerances are absolute
        reach = np.linalg.norm(self.slopes, axis=1)
        order = np.argsort(self.heights / reach)
        count = CONDITIONS
        chosen = order[:count]
        while True:
            done = linprog(
                cost,
                A_ub=self.slopes[chosen],
                b_ub=self.heights[chosen] / scale,
                bounds=(None, None),
            )
            if done.status == 0:
                t: Vector = scale * done.x
                left = self.heights - self.slopes @ t
                broken = np.flatnonzero(left < -self.tiny)
                broken = np.setdiff1d(broken, chosen)
                if len(broken) == 0:
                    return t
                chosen = np.concatenate([chosen, broken[np.argsort(left[broken])[:CONDITIONS]]])
            elif done.status == 3 and count < len(order):
                count *= 8
                chosen = order[:count]
            else:
                raise _UnresolvedError


def _null_space(rows: Matrix, columns: NDArray[np.intp]) -> Matrix:
    """A basis, (d, k), of the w on these columns with rows @ w = 0."""
    d = rows.shape[1]
    A = rows[:, columns]
    norms = np.sqrt((A * A).sum(axis=0))
    norms[norms == 0] = 1
    A = A / norms
    if len(A) > len(columns):
        A = np.asarray(np.linalg.qr(A, mode="r"))
    _, values, basis = np.linalg.svd(A, full_matrices=True)
    rank = int((values > NEARLY_DEPENDENT * max(values.max(initial=0), 1e-300)).sum())
    free = np.zeros((d, len(columns) - rank))
    free[columns] = basis[rank:].T / norms[:, None]
    return free
