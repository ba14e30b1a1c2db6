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

Where there is no such h, because columns nearly depend on one another and what is left of them is
more than their rounding, the loss itself is the bound. A difference that in each row is at
most :math:`2^{-50}` of the numbers it is left of, four units in their last place, is taken for the
rounding of the data, and for 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from hwlib.lad import _precise
from hwlib.lad._columns import (
    has_width,
    inverse_root,
    is_flat_when_levelled,
    is_flat_without_noise,
)
from hwlib.lad._design import BLOCK, Matrix, Vector
from hwlib.lad._problem import Problem, unit_weights
from hwlib.lad._solution import Solution

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
        rounding: The part of ``gap`` that allows for the rounding of residuals and sums.
    """

    objective: float
    gap: float
    relative_gap: float
    infeasibility: float
    rounding: float

    @property
    def holds(self) -> bool:
        """Whether the relative gap is within 1e-9."""
        return self.relative_gap <= TOLERANCE

    @property
    def is_sharp(self) -> bool:
        """Whether the gap is within 1e-9 of the objective itself, unless that is rounding."""
        return self.gap <= TOLERANCE * self.objective or self.objective <= 64 * self.rounding


@dataclass(frozen=True, eq=False)
class Sums:
    """What the bound takes from all rows; those of several parts add up.

    Attributes:
        n: Rows.
        objective: Σ vᵢ ρ(rᵢ).
        slack: Σ vᵢ ρ(rᵢ) − aᵢ rᵢ, each term at least 0.
        e: (d,) Xᵀa.
        left: (d,) what e leaves out of it: parts may cancel, and their sum has to be as good.
        depth: The most roundings that a product passes through on its way into e.
        merges: How many of them came after the sums within parts.
    """

    n: int
    objective: float
    slack: float
    e: Vector
    left: Vector
    depth: int
    merges: int = 0

    def __add__(self, other: Sums) -> Sums:
        e, left = _precise.two_sum(self.e, other.e)
        return Sums(
            self.n + other.n,
            self.objective + other.objective,
            self.slack + other.slack,
            e,
            left + self.left + other.left,
            max(self.depth, other.depth) + 1,
            max(self.merges, other.merges) + 1,
        )


# A solution, its certificate, and whether it is the only one; None where that was not found out.
Certified = tuple[Solution, Certificate, bool | None]


def certify(problem: Problem, solution: Solution, *, precise: bool = False) -> Certificate:
    """Bound the distance of a solution from the optimum.

    Args:
        problem: The data.
        solution: The pair; h is taken from its span, or from all rows where that does not do.
        precise: Compute y − Xw and Xᵀa in twice the working precision.
    """
    sums = summed(problem, solution, precise=precise)

    def infeasibility(e: Vector, error: Vector) -> float:
        return _infeasibility(problem, e, error, solution.span)

    scale = Scale(float((problem.v * np.abs(problem.y)).sum()), problem.reach)
    return bounded(sums, scale, solution.w, problem.quantile, infeasibility, precise=precise)


def summed(problem: Problem, solution: Solution, *, precise: bool = False) -> Sums:
    """The sums over all rows of a problem, or over those of a part of it."""
    X, w, a, r = problem.X, solution.w, solution.a, solution.r
    if precise:
        r = _precise.residuals(X, problem.y, w)
        e, left = _precise.tdot_parts(X, a)
    else:
        r = problem.residuals(w) if r is None else r
        e, left = X.tdot(a), np.zeros(X.shape[1])
    walls = problem.walls(r)
    objective = float((r * walls).sum())
    walls -= a
    slack = float((r * walls).sum())
    return Sums(X.shape[0], objective, slack, e, left, X.depth)


@dataclass(frozen=True, eq=False)
class Scale:
    """What rounding is measured by: Σ vᵢ|yᵢ|, and Σ vᵢ|xᵢ|, (d,)."""

    targets: float
    reach: Vector


# Of ‖Xh‖∞, for e and the error in it.
Bound = Callable[[Vector, Vector], float]


def bounded(
    sums: Sums,
    scale: Scale,
    w: Vector,
    tau: float,
    infeasibility: Bound,
    *,
    precise: bool = False,
) -> Certificate:
    """The bound from the sums."""
    d = len(w)
    size = scale.targets + float(scale.reach @ np.abs(w))
    in_e = (sums.depth + 1) * UNIT * max(tau, 1 - tau)
    in_r = (d + 2) * UNIT
    floor = 8 * in_r * scale.targets
    if precise:
        in_e, in_r = in_e**2, in_r**2
    e = sums.e + sums.left
    error = UNIT * np.abs(e) + in_e * scale.reach
    moved = infeasibility(e, error)
    objective = sums.objective
    rounding = 2 * ((log2(sums.n) + 20 + sums.merges) * UNIT * objective + in_r * size)
    off = sums.slack + 2 * moved * objective / min(tau, 1 - tau)
    gap = min(objective, off) + rounding
    relative = gap / max(objective, floor / TOLERANCE) if gap else 0.0
    return Certificate(objective, gap, relative, moved, rounding)


def proven(
    sums: Sums,
    scale: Scale,
    w: Vector,
    tau: float,
    bounds: Iterable[Bound],
    *,
    precise: bool = False,
) -> Certificate:
    """The first certificate that holds, or the last."""
    for bound in bounds:
        certificate = bounded(sums, scale, w, tau, bound, precise=precise)
        if certificate.holds:
            break
    return certificate


def _are_dependent(problem: Problem, directions: int) -> bool:
    """Whether X leaves so many directions free exactly, weights aside."""
    ones = Problem(problem.X, problem.y, unit_weights(len(problem.y)), problem.quantile)
    half, free = inverse_root(ones)
    if free.shape[1] != directions:
        return False
    return (
        not has_width(ones, half, free)
        or is_flat_without_noise(ones, free)
        or is_flat_when_levelled(ones, free)
    )


def _infeasibility(
    problem: Problem, e: Vector, error: Vector, span: NDArray[np.intp] | None
) -> float:
    """‖Xh‖∞ over some rows, with what an error of that size in e may add to it.

    Infinite if columns depend on one another too nearly to find h, and not exactly.
    """
    rows = problem if span is None else problem.choose(span)
    half, dependent = inverse_root(rows)
    if dependent.shape[1] and span is not None:
        return _infeasibility(problem, e, error, None)
    if dependent.shape[1] and not _are_dependent(problem, dependent.shape[1]):
        return np.inf
    return farthest(rows, half, e, error)


def farthest(rows: Problem, half: Matrix, e: Vector, error: Vector) -> float:
    """The largest |xᵢᵀh| with h = H Hᵀe, and what an error of that size in e may add to it."""
    h = half.T @ e
    more = float(np.linalg.norm(np.abs(half).T @ error))
    n, largest = rows.X.shape[0], 0.0
    for start in range(0, n, BLOCK):
        part = np.arange(start, min(start + BLOCK, n))
        Q = rows.X.rows(part) @ half
        moved = np.abs(Q @ h) + more * np.sqrt((Q * Q).sum(axis=1))
        largest = max(largest, float((moved).max()))
    return largest
