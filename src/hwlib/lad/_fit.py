"""The entry point: from arrays to a certified fit."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.lad import _dask
from hwlib.lad._certificate import TOLERANCE, Certificate, Certified, certify
from hwlib.lad._chunks import chunked, is_lazy
from hwlib.lad._design import DenseDesign, Vector
from hwlib.lad._face import middle
from hwlib.lad._problem import (
    Problem,
    checked_arrays,
    checked_quantile,
    checked_vector,
    refuse_not_finite,
    unit_weights,
)
from hwlib.lad._reduction import is_large, solve_by_reduction
from hwlib.lad._reference import solve_surely, solve_with_cvxpy, solve_with_highs
from hwlib.lad._rows import Here
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import refine

# Up to so many rows, sums in twice the precision take a moment.
SMALL = 20_000

Solver = Literal["auto", "interior-point", "highs", "cvxpy"]


class NotCertifiedWarning(UserWarning):
    """The proven gap of a fit exceeds the tolerance; the message says by how much."""


@dataclass(frozen=True, eq=False)
class LADFit:
    r"""Coefficients with the proof that they are optimal.

    Attributes:
        coef: (d,) coefficients w. A column that depends on those to its left, up to 2⁻⁴⁴ of its
            length, has the coefficient 0.
        dual: (n,) dual variables a, within :math:`v_i(\tau-1) \le a_i \le v_i\tau`, with
            :math:`X^\top a = 0` up to rounding. Where a residual is not 0, aᵢ is at the wall that
            goes with its sign. For rows in Dask's chunks a Dask array, which reads them once more
            when it is computed.
        objective: :math:`\sum_i v_i\,\rho_\tau(r_i)`, in units of y.
        gap: An upper bound on ``objective`` minus the optimum that holds in spite of rounding, down
            to that of the data: a column within 2⁻⁵⁰ of its length, four units in the last place,
            of the span of others counts as dependent on them.
        relative_gap: ``gap`` over ``objective``, or over the floor below which the rounding of the
            residuals would exceed 1e-9 by itself; at most 1e-9 unless a warning said otherwise.
        n_iter: Steps of the solver.
        solver: Which one it was.
        unique: Whether no other coefficients are optimal; None where that was not found out.
        quantile: τ.
        sample_weight: (n,) weights v, or None for 1 each.
    """

    coef: Vector
    dual: Vector = field(repr=False)
    objective: float
    gap: float
    relative_gap: float
    n_iter: int
    solver: str
    unique: bool | None
    quantile: float = 0.5
    sample_weight: Vector | None = field(default=None, repr=False)


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    quantile: float = 0.5,
    sample_weight: ArrayLike | None = None,
    solver: Solver = "auto",
) -> LADFit:
    r"""Least absolute deviations, or another quantile, with a certificate.

    .. math::

        \min_{w \in \mathbb{R}^d} \; \sum_{i=1}^n v_i\,\rho_\tau(y_i - x_i^\top w),
        \qquad \rho_\tau(r) = \max(\tau r,\, (\tau - 1) r)

    At :math:`\tau = \tfrac12` and without weights that is half the ℓ1 loss
    :math:`\lVert y - Xw\rVert_1`. The proof of optimality is a solution of the dual problem,

    .. math::

        \max_a \; y^\top a \quad \text{subject to} \quad X^\top a = 0, \quad
        v_i(\tau - 1) \le a_i \le v_i\tau .

    There is no intercept unless X has a column of ones; :class:`~hwlib.lad.LADRegressor` adds one.

    Args:
        X: (n, d), of any real dtype and memory order; a memory map is not read into memory as a
            whole. Never changed, and copied whole only if columns are nearly dependent, or few rows
            can be left out. A Dask array or data frame, in chunks of rows, stays where it is: each
            pass goes to the chunks, and some thousands of rows come back. The extra ``dask``.
        y: (n,), like X, or like NumPy's.
        quantile: τ in (0, 1).
        sample_weight: (n,) weights :math:`v_i \ge 0`; a weight of 2 is the same as two equal rows.
        solver: ``"auto"``: the fastest that is certified at the end; for many rows it solves the
            problem of those rows whose sign is in doubt, and proves that the others' is not.
            ``"interior-point"``: Frisch–Newton on all rows. ``"highs"``: the dual linear program
            through SciPy. ``"cvxpy"``: the problem as one writes it down; needs the extra
            ``cvxpy``.

    Returns:
        The fit. Among several optima it is the middle of them, whatever the solver, so the same
        data give the same coefficients.

    Raises:
        TypeError: An array does not hold real numbers.
        ValueError: Shapes do not fit, an entry is not finite, X is empty, a weight is negative,
            all are 0, the quantile is not in (0, 1), or the solver is unknown. Of Dask's chunks
            the message names the one where it is.
        MemoryError: Some of the rows of chunks do not settle the optimum, and all are too many.
        ModuleNotFoundError: ``solver="cvxpy"`` without cvxpy, chunks without all of Dask.

    Warns:
        NotCertifiedWarning: The relative gap exceeds 1e-9; ``gap`` says by how much. It happens
            where columns depend on one another so nearly that float64 does not hold the optimum.

    For a penalty on the coefficients take ``sklearn.linear_model.QuantileRegressor``; where rows
    with outlying x are to be distrusted as well, ``sklearn.linear_model.RANSACRegressor``.

    Source:
        S. Portnoy, R. Koenker, *The Gaussian Hare and the Laplacian Tortoise*, Statistical Science
        12(4), 1997, https://doi.org/10.1214/ss/1030037960. The chapters *The ℓ1 loss* and *Solving
        it fast* derive all of it.

    Example:
        >>> import numpy as np
        >>> y = np.array([1.0, 2.0, 4.0, 100.0])
        >>> float(fit(np.ones((4, 1)), y).coef[0])
        3.0
    """
    tau = checked_quantile(quantile)
    if not isinstance(solver, str) or solver not in _SOLVERS:
        raise ValueError(f"solver must be one of {', '.join(map(repr, _SOLVERS))}, not {solver!r}")
    if is_lazy(X, y, sample_weight):
        return fit_chunks(X, y, sample_weight, tau, solver)
    return _fit_arrays(X, y, sample_weight, tau, solver)


def _fit_arrays(X: Any, y: Any, sample_weight: Any, tau: float, solver: Solver) -> LADFit:
    array, targets, weights = checked_arrays(X, y, sample_weight)
    problem, used = _problem(array, targets, weights, tau)
    found = _solved(problem, solver)
    dual = np.zeros(len(targets))
    dual[used] = found[0].a
    return _told(found, dual, solver, tau, weights)


def fit_chunks(
    X: Any, y: Any, sample_weight: Any, tau: float, solver: Solver, *, intercept: bool = False
) -> LADFit:
    """The fit of rows in the chunks of Dask, with a column of ones before X on demand."""
    if solver != "auto":
        raise ValueError(
            f"solver {solver!r} needs all rows in memory: X.compute() fetches them, and 'auto' "
            "does without"
        )
    chunks = chunked(X, y, sample_weight, tau, intercept=intercept)
    found = _dask.solve(chunks, tau, _solved)
    return _told(found, found[0].a, solver, tau, sample_weight)


def _told(found: Certified, dual: Any, solver: Solver, tau: float, weights: Any) -> LADFit:
    """The fit, with a warning where there is no proof."""
    solution, certificate, unique = found
    if not certificate.holds:
        _warn(certificate, solver)
    return LADFit(
        coef=solution.w,
        dual=dual,
        objective=certificate.objective,
        gap=certificate.gap,
        relative_gap=certificate.relative_gap,
        n_iter=solution.steps,
        solver=solver,
        unique=unique,
        quantile=tau,
        sample_weight=weights,
    )


def verify(X: ArrayLike, y: ArrayLike, fit: LADFit) -> Certificate:
    """Recompute objective and gap from the data, the coefficients and the dual alone.

    Args:
        X: The data that the fit was made from.
        y: Its targets.
        fit: What :func:`fit` returned, or any other object with its attributes.

    Returns:
        The certificate; :attr:`Certificate.holds` says whether the relative gap is within 1e-9. A
        dual variable outside its box proves nothing: the gap is then infinite. It is the proof
        from all rows; a fit of Dask's arrays may come with a closer one from the rows it kept.

    Raises:
        TypeError: An array does not hold real numbers.
        ValueError: The arrays do not belong together, or an entry is not finite.
    """
    tau = checked_quantile(fit.quantile)
    if is_lazy(X, y):
        chunks = chunked(X, y, fit.sample_weight, tau)
        w = checked_vector("coef", fit.coef, chunks.d)
        return _dask.check(chunks, w, fit.dual, tau)
    array, targets, weights = checked_arrays(X, y, fit.sample_weight)
    problem, used = _problem(array, targets, weights, tau)
    w = checked_vector("coef", fit.coef, array.shape[1])
    dual = checked_vector("dual", fit.dual, array.shape[0])
    a = dual[used]
    if (
        np.count_nonzero(dual) > np.count_nonzero(a)
        or ((a < problem.lower) | (a > problem.upper)).any()
    ):
        certificate = certify(problem, Solution(w, np.clip(a, problem.lower, problem.upper)))
        return replace(certificate, gap=np.inf, relative_gap=np.inf)
    certificate = certify(problem, Solution(w, a))
    return certificate if certificate.holds else certify(problem, Solution(w, a), precise=True)


def _problem(
    X: NDArray[Any], y: Vector, weights: Vector | None, tau: float
) -> tuple[Problem, slice | NDArray[np.intp]]:
    """The problem of the rows whose weight is not 0, and which they are."""
    used: slice | NDArray[np.intp] = slice(None)
    if weights is None or weights.all():
        v = unit_weights(len(y)) if weights is None else weights
        problem = Problem(DenseDesign(X), y, v, tau)
    else:
        used = np.flatnonzero(weights)
        problem = Problem(DenseDesign(X, used), y[used], weights[used], tau)
    refuse_not_finite(X, problem)
    return problem, used


def _auto(problem: Problem) -> Solution:
    if is_large(problem.X.shape):
        return solve_by_reduction(Here(problem))
    return solve_surely(problem)


_SOLVERS = {
    "auto": _auto,
    "interior-point": solve_surely,
    "highs": solve_with_highs,
    "cvxpy": solve_with_cvxpy,
}


def _solved(problem: Problem, solver: Solver = "auto") -> Certified:
    """The solution, its certificate, and whether it is unique."""
    found = _certified(problem, _SOLVERS[solver](problem))
    if not found[1].holds and solver == "auto" and is_large(problem.X.shape):
        found = _certified(problem, solve_surely(problem))
    return found


def _certified(problem: Problem, solution: Solution) -> Certified:
    """The solution, moved to the middle of the optima, with the best certificate there is."""
    unique = None
    # A wall that was reached as lower + v may be off vτ in its last bit.
    a = np.clip(solution.a, problem.lower, problem.upper)
    solution = replace(solution, a=a)
    if solution.is_settled:
        solution, unique = middle(problem, solution)
    certificate = certify(problem, solution)
    if not certificate.holds and solution.span is not None:
        solution = replace(solution, span=None)
        certificate = certify(problem, solution)
    is_small = len(problem.y) <= SMALL
    if not certificate.holds or (is_small and not certificate.is_sharp):
        certificate = certify(problem, solution, precise=True)
    if not certificate.holds or (is_small and not certificate.is_sharp):
        refined = refine(problem, solution)
        other = certify(problem, refined, precise=True)
        if other.gap < certificate.gap:
            solution, certificate = refined, other
    return solution, certificate, unique if certificate.holds else None


def _warn(certificate: Certificate, solver: str) -> None:
    warnings.warn(
        f"the fit of solver {solver!r} is proven within {certificate.relative_gap:.1e} of the "
        f"optimum only, not within {TOLERANCE:g}: columns of X may nearly depend on one another "
        "(centre or leave out some), or sizes be at the limits of float64 (rescale)",
        NotCertifiedWarning,
        stacklevel=_level(),
    )


def _level() -> int:
    """Where in the stack, seen from who asks, this package was called."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == "hwlib":
        level, frame = level + 1, frame.f_back
    return level
