"""From a point near the optimum to the optimum itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from hwlib.lad import _precise
from hwlib.lad._design import Matrix, Vector
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution

EXACT = 2.0**-40
# A pivot of this size, with columns of size 1, leaves no doubt that d rows are independent.
REGULAR = 2.0**-20
Found = tuple[Vector, Vector] | None


def at_vertex(problem: Problem, w: Vector, a: Vector, r: Vector, pivots: int) -> Found:
    """Start from the vertex that the point suggests, and descend along edges to the optimum.

    Near the optimum a row has either a residual or room between its dual variable and the walls.
    The d rows in which room most outweighs the residual are the first vertex.

    Returns:
        (w, a) with a inside its box, or None where ``pivots`` edges do not lead there, or where
        more than d rows meet in a vertex.
    """
    d = problem.X.shape[1]
    if len(r) < d:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(r) / room(problem, a)
    fitted = _descend(problem, r, np.argpartition(ratio, d - 1)[:d], pivots)
    if fitted is None:
        return None
    try:
        w = w + np.linalg.solve(problem.X.rows(fitted), r[fitted])
    except np.linalg.LinAlgError:
        return None
    r = problem.residuals(w)
    walls = problem.walls(r)
    walls[fitted] = 0
    return _settle(problem, w, r, walls, fitted)


def _descend(
    problem: Problem, r: Vector, fitted: NDArray[np.intp], pivots: int
) -> NDArray[np.intp] | None:
    """The d rows that the optimum fits, from d rows to begin with.

    With the residuals of the others given their signs, Xᵀa = 0 determines a on the fitted rows.
    Where that is outside its walls, the loss falls along the edge on which this row alone is let
    go; its least value there is a weighted median of the places where the others change sign.
    I. Barrodale, F. Roberts, SIAM J. Numer. Anal. 10(5), 1973, https://doi.org/10.1137/0710069.
    """
    X, v, lower, upper = problem.X, problem.v, problem.lower, problem.upper
    try:
        edges = np.linalg.inv(X.rows(fitted))
    except np.linalg.LinAlgError:
        return None
    r = r - X.dot(edges @ r[fitted])
    for _ in range(pivots + 1):
        r[fitted] = 0
        walls = problem.walls(r)
        walls[fitted] = 0
        a = -(X.tdot(walls) @ edges)
        excess = np.maximum(a - upper[fitted], lower[fitted] - a)
        lengths = np.sqrt((edges * edges).sum(axis=0))
        if not (lengths > 0).all():  # or NaN: the rows have become dependent
            return None
        j = int((excess / lengths).argmax())
        if excess[j] <= EXACT * v[fitted[j]]:
            return fitted
        edge = edges[:, j] if a[j] < 0 else -edges[:, j]
        slope = X.dot(edge)
        ahead = (r * slope > 0).nonzero()[0]
        places = r[ahead] / slope[ahead]
        order = places.argsort()
        climb = (v[ahead] * np.abs(slope[ahead]))[order].cumsum()
        stop = int(climb.searchsorted(excess[j]))
        if stop == len(order):
            return None
        entering = ahead[order[stop]]
        r = r - places[order[stop]] * slope
        if not _replace_row(edges, j, X.rows(ahead[order[stop : stop + 1]])[0]):
            return None
        fitted[j] = entering
    return None


def _replace_row(inverse: Matrix, j: int, row: Vector) -> bool:
    """Change the inverse of a matrix into that of the matrix with another row j, if it has one."""
    change = row @ inverse
    pivot = float(change[j])
    if pivot == 0:
        return False
    change[j] -= 1
    inverse -= (inverse[:, j] / pivot)[:, None] * change
    return True


def on_face(problem: Problem, w: Vector, a: Vector) -> Found:
    """Fit exactly all rows in which room outweighs the residual: more than d rows, or fewer.

    Returns:
        (w, a) with a inside its box, or None where the guess is seen to be wrong.
    """
    r = problem.residuals(w)
    typical = problem.loss(r) / problem.v.sum()
    fitted = np.flatnonzero(room(problem, a) * typical >= np.abs(r))
    walls = problem.walls(2 * a - problem.lower - problem.upper)
    walls[fitted] = a[fitted]
    found = _settle(problem, w, r, walls, fitted)
    if found is None:
        return None
    moved = problem.residuals(found[0]) * np.sign(2 * found[1] - problem.lower - problem.upper)
    moved[fitted] = 0
    return None if (moved < -EXACT * problem.sizes(found[0])).any() else found


def room(problem: Problem, a: Vector) -> Vector:
    """How far each dual variable is from the nearer wall, as a share of its weight."""
    return np.minimum(problem.upper - a, a - problem.lower) / problem.v


def _settle(
    problem: Problem, w: Vector, r: Vector, full: Vector, fitted: NDArray[np.intp]
) -> Found:
    """Solve for w in the fitted rows, and for their a, given that of the others."""
    X, upper, lower = problem.X, problem.upper[fitted], problem.lower[fitted]
    rows = X.rows(fitted)
    step = _least_norm(rows, r[fitted])
    if (np.abs(r[fitted] - rows @ step) > EXACT * problem.sizes(w, fitted)).any():
        return None
    for _ in range(2):
        move = _least_norm(rows.T, X.tdot(full))
        full[fitted] -= move
        inside = np.clip(full[fitted], lower, upper)
        if (np.abs(inside - full[fitted]) > EXACT * problem.v[fitted]).any():
            return None
    full[fitted] = inside
    if (np.abs(X.tdot(full)) > EXACT * problem.reach).any():  # equal rows in a vertex that is none
        return None
    return w + step, full


def _least_norm(A: Matrix, b: Vector) -> Vector:
    """The smallest x with Ax = b."""
    if is_vertex(A):
        return np.linalg.solve(A, b)
    return np.linalg.lstsq(A, b, rcond=None)[0]


def is_vertex(rows: Matrix) -> bool:
    """Whether the rows are square and plainly regular."""
    if rows.shape[0] != rows.shape[1]:
        return False
    sizes = np.abs(rows).max(axis=0)
    if not (sizes > 0).all():
        return False
    triangles, _, fault = lapack.dgetrf(rows / sizes)
    return not bool(fault) and float(np.abs(triangles.diagonal()).min()) > REGULAR


def fitted_again(
    problem: Problem, w: Vector, a: Vector, r: Vector, rows: NDArray[np.intp]
) -> tuple[Vector, Vector]:
    """W and its residuals, with those of the rows that it fits brought down to their rounding.

    Targets of very different sizes leave more there, if residuals have stood for targets.
    """
    room = np.minimum(problem.upper[rows] - a[rows], a[rows] - problem.lower[rows])
    fitted = rows[room > EXACT * problem.v[rows]]
    if (np.abs(r[fitted]) <= EXACT * problem.sizes(w, fitted)).all():
        return w, r
    w = w + _least_norm(problem.X.rows(fitted), r[fitted])
    return w, problem.residuals(w)


def refine(problem: Problem, solution: Solution) -> Solution:
    """Solve the two linear systems again, from residuals in twice the precision.

    Where the columns of X are nearly dependent, this is what the last digits of w and a depend on.
    Coefficients of 0 are those of dependent columns, and stay 0.
    """
    w, a = solution.w.copy(), solution.a.copy()
    fitted = np.flatnonzero(room(problem, a) > EXACT)
    rows, used = problem.X.rows(fitted), w != 0
    for _ in range(3):
        w[used] += scaled(rows[:, used], _precise.residuals(problem.X, problem.y, w)[fitted])
        a[fitted] -= scaled(rows, _precise.tdot(problem.X, a), transposed=True)
    a = np.clip(a, problem.lower, problem.upper)
    return replace(solution, w=w, a=a, r=None)


def scaled(rows: Matrix, b: Vector, *, transposed: bool = False) -> Vector:
    """The least-squares solution, found with columns of length 1."""
    norms = np.sqrt((rows * rows).sum(axis=0))
    norms[norms == 0] = 1
    solution: Vector
    if transposed:
        solution = np.linalg.lstsq((rows / norms).T, b / norms, rcond=None)[0]
    else:
        solution = np.linalg.lstsq(rows / norms, b, rcond=None)[0] / norms
    return solution
