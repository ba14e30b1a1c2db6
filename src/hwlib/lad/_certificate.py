r"""How far a pair (w, a) can be from the optimum: a bound that holds in floating point.

Let :math:`f(w) = \sum_i v_i \rho_\tau(r_i)` with :math:`r = y - Xw`, let a lie in its box
:math:`v_i(\tau-1) \le a_i \le v_i\tau`, and let :math:`e = X^\top a`, which should be 0 and is so
only up to rounding. For an optimal :math:`w^*` with residuals :math:`r^*`, since
:math:`f(w^*) \ge a^\top r^*` and :math:`r^* = r + X(w - w^*)`,

.. math::

    f(w) - f(w^*) \;\le\; \sum_i \bigl(v_i\rho_\tau(r_i) - a_i r_i\bigr) + e^\top (w^* - w).

Each term of the sum is at least 0, and is computed without cancellation. With any h such that
:math:`X^\top V X h = e`, the last term is :math:`(Xh)^\top V (r - r^*)`, and both
:math:`\sum_i v_i|r_i|` and :math:`\sum_i v_i|r^*_i|` are at most
:math:`f(w)/\min(\tau, 1-\tau)`. So it is at most
:math:`2\,\|Xh\|_\infty\, f(w)/\min(\tau, 1-\tau)`. All of this holds as well with h taken from
some of the rows, as long as they span the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, sqrt

import numpy as np
from numpy.typing import NDArray

from hwlib.lad import _precise
from hwlib.lad._columns import NEARLY_DEPENDENT, triangle
from hwlib.lad._design import BLOCK, Vector
from hwlib.lad._problem import Problem

TOLERANCE = 1e-9
UNIT = 2.0**-53


@dataclass(frozen=True)
class Certificate:
    """What is proved of a fit.

    Attributes:
        objective: The loss at the coefficients.
        gap: An upper bound on ``objective`` minus the optimum, rounding included.
        relative_gap: ``gap`` over ``objective``, or over the floor below which the rounding of
            the residuals alone would exceed the tolerance.
        infeasibility: ‖Xh‖∞, how far the dual is from Xᵀa = 0: the largest share of its weight by
            which an entry would have to move.
    """

    objective: float
    gap: float
    relative_gap: float
    infeasibility: float

    @property
    def holds(self) -> bool:
        """Whether the relative gap is within 1e-9."""
        return self.relative_gap <= TOLERANCE


def certify(
    problem: Problem,
    w: Vector,
    a: Vector,
    span: NDArray[np.intp] | None = None,
    *,
    precise: bool = False,
) -> Certificate:
    """Bound the distance of (w, a) from the optimum.

    Args:
        problem: The data.
        w: (d,) coefficients.
        a: (n,) dual variables within their box.
        span: Rows that span the others, to take h from; None for all.
        precise: Compute y − Xw and Xᵀa in twice the working precision.
    """
    X, v, tau = problem.X, problem.v, problem.quantile
    if precise:
        r, e = _precise.residuals(X, problem.y, w), _precise.tdot(X, a)
    else:
        r, e = problem.residuals(w), X.tdot(a)
    objective = problem.loss(r)
    slack = np.maximum(r, 0) * (problem.upper - a) - np.minimum(r, 0) * (a - problem.lower)
    reach = X.abs_tdot(v)
    size = float((v * np.abs(problem.y)).sum() + reach @ np.abs(w))
    rows = problem if span is None else problem.choose(span)
    error = (UNIT * np.abs(e) if precise else 0) + _sum_error(X.shape[0], precise) * reach
    infeasibility = _infeasibility(rows, e, error)
    relative_error = 2 * (log2(X.shape[0]) + 20) * UNIT
    rounding = relative_error * objective + 2 * (X.shape[1] + 2) * UNIT * size * (
        X.shape[1] * UNIT if precise else 1
    )
    gap = float(slack.sum()) + 2 * infeasibility * objective / min(tau, 1 - tau) + rounding
    return Certificate(
        objective, gap, gap / max(objective, 4 * rounding / TOLERANCE) if gap else 0.0, infeasibility
    )


def _sum_error(n: int, precise: bool) -> float:
    """The rounding of Xᵀa, as a share of |X|ᵀ|a|: block by block, then over the blocks."""
    plain = (min(n, BLOCK) + n / BLOCK + 1) * UNIT
    return plain**2 if precise else plain


def _infeasibility(rows: Problem, e: Vector, error: Vector) -> float:
    """‖Xh‖∞ over some rows, with what an error of that size in e may add to it."""
    root = np.sqrt(rows.v)
    A = rows.X.rows(np.arange(len(root))) * root[:, None]
    R, norms = triangle(A)
    half = np.linalg.pinv(R, rcond=NEARLY_DEPENDENT) / norms[:, None]
    Q = A @ half
    moved = Q @ (half.T @ e) / root
    spread = np.sqrt((Q * Q).sum(axis=1)) / root
    more = np.linalg.norm(np.abs(half).T @ error)
    return float(np.abs(moved).max() + spread.max() * more)
