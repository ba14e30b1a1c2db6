r"""The Frisch–Newton interior point: a primal-dual path to the optimum, one weighted least squares
a step.

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

MAX_STEPS = 100
# How much of the way to the nearest wall a step may go.
DAMPING = 0.9995


@dataclass(frozen=True)
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
    the point after each step; nothing if least squares fits exactly.
    """
    X, lower, upper = problem.X, problem.lower, problem.upper
    w = _solve(_cholesky(X.gram(problem.v)), X.tdot(problem.v * problem.y))
    r = problem.residuals(w)
    spread = float(np.abs(r).mean())
    a, p, q = np.zeros_like(r), -lower, upper
    u = np.maximum(r, 0) + spread
    l = u - r  # noqa: E741
    for steps in range(MAX_STEPS):
        gap, loss = float(u @ q + l @ p), problem.loss(r)
        yield Point(w, a, r, gap / loss if loss else 0.0, steps)
        if gap <= 2.0**-50 * loss:
            return
        uq, lp = u / q, l / p
        theta = 1 / (uq + lp)
        factor = _cholesky(X.gram(theta))

        t = theta * r
        da = t - theta * X.dot(_solve(factor, X.tdot(t)))
        du, dl = uq * da - u, -lp * da - l
        primal, dual = _room(du, u, dl, l), _room(-da, q, da, p)
        left = (u + primal * du) @ (q - dual * da) + (l + primal * dl) @ (p + dual * da)
        mu = (left / gap) ** 3 * gap / (2 * len(r))

        cu, cl = (mu + du * da) / q, (mu - dl * da) / p
        t = theta * (r - cu + cl)
        dw = _solve(factor, X.tdot(t))
        moved = X.dot(dw)
        da = t - theta * moved
        du, dl = cu - u + uq * da, cl - l - lp * da
        primal, dual = DAMPING * _room(du, u, dl, l), DAMPING * _room(-da, q, da, p)
        primal, dual = min(primal, 1), min(dual, 1)
        w, r, a = w + primal * dw, r - primal * moved, a + dual * da
        u, l = u + primal * du, l + primal * dl  # noqa: E741
        p, q = a - lower, upper - a


def _room(dx: Vector, x: Vector, dz: Vector, z: Vector) -> float:
    """The largest step that keeps x + t dx and z + t dz at least 0, up to 1/DAMPING."""
    return float(1 / max(DAMPING, -(dx / x).min(), -(dz / z).min()))


def _cholesky(gram: Matrix) -> Matrix:
    """The lower factor; a matrix that is singular to rounding gets a ridge at that level."""
    factor, fault = lapack.dpotrf(gram, lower=1, clean=0)
    ridge = 2.0**-52 * gram.diagonal()
    while fault:
        ridge = 8 * ridge
        factor, fault = lapack.dpotrf(gram + np.diag(ridge), lower=1, clean=0)
    return factor


def _solve(factor: Matrix, right: Vector) -> Vector:
    solution: Vector = lapack.dpotrs(factor, right, lower=1)[0]
    return solution
