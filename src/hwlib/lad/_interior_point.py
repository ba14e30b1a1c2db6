r"""The Frisch–Newton interior point: a path to the optimum, a weighted least squares a step.

With :math:`r = y - Xw = u - l`, :math:`u, l > 0`, and the dual a strictly inside its box, at
distances :math:`p = a - v(\tau-1)` and :math:`q = v\tau - a` from its walls, the points with

.. math::

    X^\top a = 0, \qquad u_i q_i = \mu, \qquad l_i p_i = \mu

form the central path, which ends at an optimum as :math:`\mu \to 0`. A step is Mehrotra's: Newton
for :math:`\mu = 0` tells how far one could go; the second solve, with the same matrix, aims at
the :math:`\mu` that this suggests and mends the second-order error of the first.

S. Portnoy, R. Koenker, *The Gaussian Hare and the Laplacian Tortoise*, Statistical Science 12(4),
1997, https://doi.org/10.1214/ss/1030037960; S. Mehrotra, *On the Implementation of a Primal-Dual
Interior Point Method*, SIAM J. Optim. 2(4), 1992, https://doi.org/10.1137/0802028.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from hwlib.lad._design import Matrix, Vector
from hwlib.lad._problem import Problem

MAX_STEPS = 200
# The smaller part of each residual at the start, in mean absolute residuals.
START = 0.2
# How much of the way to the nearest wall a step may go.
DAMPING = 0.9995
# The second-order error of a step is mended up to so many times the mean of the products uq and lp.
# A few wild rows would else turn the step into a wall at once, and the path would stall.
WILD = 3
ROUNDING_GAP = 2.0**-50
NEARLY_EXACT = 2.0**-20
SMALLEST_RIDGE = 1e-300


@dataclass(frozen=True, eq=False)
class Point:
    """A point near the central path.

    Attributes:
        w: (d,) coefficients.
        a: (n,) dual variables strictly inside their box, Xᵀa = 0 up to rounding.
        r: (n,) residuals.
        relative_gap: How far the loss is above the dual value, as a share of the loss.
        steps: How many steps it took.
    """

    w: Vector
    a: Vector
    r: Vector
    relative_gap: float
    steps: int


def central_path(problem: Problem) -> Iterator[Point]:
    """Follow the path from the least-squares fit until the gap is at the rounding level.

    The columns of X are to be independent and not too close to dependent. Yields the start, and
    the point after each step.
    """
    X = problem.X
    factor = _cholesky(problem.gram)
    w = _solve(factor, X.tdot(problem.v * problem.y))
    r, a = problem.residuals(w), np.zeros(len(problem.y))
    if np.abs(r).max() <= NEARLY_EXACT * np.abs(problem.y).max():  # rounding, or little more
        w = w + _solve(factor, X.tdot(problem.v * r))
        r = problem.residuals(w)
    parts = np.array([np.maximum(r, 0), np.maximum(-r, 0)]) + START * np.abs(r).mean()  # u, l
    room = np.array([problem.upper, -problem.lower])  # q, p
    size = float((problem.v * np.abs(problem.y)).sum())
    for steps in range(MAX_STEPS + 1):
        gap = float(np.vdot(parts, room))
        loss = gap + float(np.vdot(a, r))
        yield Point(w, a, r, gap / loss if loss else 0.0, steps)
        if not gap > ROUNDING_GAP * max(loss, size):
            return
        ratio = parts / room
        theta = 1 / (ratio[0] + ratio[1])
        factor = _cholesky(X.gram(theta))

        pull = theta * r
        da = pull - theta * X.dot(_solve(factor, X.tdot(pull)))
        d_room = np.array([-da, da])
        d_parts = -ratio * d_room - parts
        primal, dual = _reach(parts, d_parts), _reach(room, d_room)
        left = float(np.vdot(parts + min(primal, 1) * d_parts, room + min(dual, 1) * d_room))
        mean = gap / parts.size
        mu = (left / gap) ** 3 * mean

        target = (mu - np.clip(d_parts * d_room, -WILD * mean, WILD * mean)) / room
        pull = theta * (r - target[0] + target[1])
        dw = _solve(factor, X.tdot(pull))
        moved = X.dot(dw)
        da = pull - theta * moved
        d_room = np.array([-da, da])
        d_parts = target - parts - ratio * d_room
        primal = min(DAMPING * _reach(parts, d_parts), 1)
        dual = min(DAMPING * _reach(room, d_room), 1)
        w, r, a = w + primal * dw, r - primal * moved, a + dual * da
        parts += primal * d_parts
        room += dual * d_room


def _reach(x: Matrix, dx: Matrix) -> float:
    """The largest step t, up to 2, for which x + t dx has no negative entry."""
    return 1 / max(0.5, float((dx / x).min()) * -1)


def _cholesky(gram: Matrix) -> Matrix:
    """The lower factor; a matrix that is singular to rounding gets a ridge at that level."""
    factor: Matrix
    factor, fault = lapack.dpotrf(gram, lower=1, clean=0)
    ridge = 2.0**-52 * gram.diagonal()
    if fault and not np.isfinite(gram).all():
        raise ArithmeticError("the weighted Gram matrix overflows: rescale X or the weights")
    while fault:
        ridge = 8 * ridge + SMALLEST_RIDGE
        factor, fault = lapack.dpotrf(gram + np.diag(ridge), lower=1, clean=0)
    return factor


def _solve(factor: Matrix, right: Vector) -> Vector:
    solution: Vector = lapack.dpotrs(factor, right, lower=1)[0]
    return solution
