"""From a point near the optimum to the optimum itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._design import Matrix, Vector
from hwlib.lad._problem import Problem

EXACT = 2.0**-40


def polish(problem: Problem, w: Vector, a: Vector, r: Vector) -> tuple[Vector, Vector] | None:
    """Fit exactly the rows that the optimum seems to fit, and take the others' signs at face value.

    Near the optimum a row has either a residual or room between its dual variable and the walls.
    The d rows in which room most outweighs the residual are tried first: in general they are the
    vertex. Where more rows meet, or fewer, all those are tried in which room outweighs it.

    Returns:
        (w, a) with a inside its box, or None where the guess is seen to be wrong.
    """
    room = np.minimum(problem.upper - a, a - problem.lower) / problem.v
    typical = problem.loss(r) / problem.v.sum()
    size, score = np.abs(r), room * typical
    d = problem.X.shape[1]
    if len(r) > d:
        with np.errstate(divide="ignore"):
            vertex = np.argpartition(size / score, d)[:d]
        found = _settle(problem, w, a, r, vertex)
        if found:
            return found
    return _settle(problem, w, a, r, np.flatnonzero(score > size))


def _settle(
    problem: Problem, w: Vector, a: Vector, r: Vector, fitted: NDArray[np.intp]
) -> tuple[Vector, Vector] | None:
    X, upper, lower = problem.X, problem.upper, problem.lower
    rows = X.rows(fitted)
    step = _least_norm(rows, r[fitted])
    if step is None or np.abs(r[fitted] - rows @ step).max(initial=0) > EXACT * np.abs(r).max():
        return None
    w = w + step
    full = np.where(problem.residuals(w) > 0, upper, lower)
    full[fitted] = a[fitted]
    for _ in range(2):
        move = _least_norm(rows.T, X.tdot(full))
        if move is None:
            return None
        full[fitted] -= move
        inside = np.clip(full[fitted], lower[fitted], upper[fitted])
        if (np.abs(inside - full[fitted]) > EXACT * problem.v[fitted]).any():
            return None
    full[fitted] = inside
    return w, full


def _least_norm(A: Matrix, b: Vector) -> Vector | None:
    """The smallest x with Ax = b."""
    if A.shape[0] == A.shape[1]:
        try:
            return np.linalg.solve(A, b)
        except np.linalg.LinAlgError:
            return None
    return np.linalg.lstsq(A, b)[0]
