"""The problem handed to solvers that exist: as one writes it down, and as a linear program."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from hwlib._extras import require
from hwlib.lad._certificate import certify
from hwlib.lad._design import Matrix, Vector
from hwlib.lad._direct import Conditioned, conditioned, settled, solve_directly
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution

# Up to so many rows HiGHS takes no more than some seconds.
FEW = 5_000
# The tightest tolerances that HiGHS takes; where it cannot meet them, its defaults have to do.
TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
ATTEMPTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("highs-ds", TIGHT),
    ("highs-ds", {}),
    ("highs-ds", {"presolve": False}),
    ("highs-ipm", {}),
)


def solve_with_cvxpy(problem: Problem) -> Solution:
    """The primal problem through cvxpy, with its default solver, in units of the data."""
    cp = require("cvxpy", "cvxpy")
    inner, X, y, scale = _in_units(problem)
    if not X.shape[1]:  # older releases know no variable without entries
        return solve_with_highs(problem)
    w, r = cp.Variable(X.shape[1]), cp.Variable(X.shape[0])
    target = cp.Parameter(len(y))
    fitted = r == target - X @ w
    tau = problem.quantile
    loss = cp.maximum(tau * r, (tau - 1) * r)
    program = cp.Problem(cp.Minimize(problem.v @ loss), [fitted])
    for unit in (1.0, float(np.abs(y).max())):  # the largest, where outliers are taken for infinity
        target.value = y / unit
        with warnings.catch_warnings(action="ignore"), suppress(cp.error.SolverError):
            program.solve()
        if w.value is not None:
            break
    else:
        raise RuntimeError(f"cvxpy ended with the status {program.status!r} and no solution")
    sign = 1 if fitted.dual_value @ y >= 0 else -1
    steps = int(program.solver_stats.num_iters or 0)
    return settled(inner, w.value * (unit * scale), sign * fitted.dual_value, steps)


def solve_with_highs(problem: Problem) -> Solution:
    """The dual linear program through HiGHS, which ends on a vertex.

    Maximize yᵀa subject to Xᵀa = 0 and vᵢ(τ − 1) ≤ aᵢ ≤ vᵢτ. The multipliers of Xᵀa = 0 are w.
    """
    from scipy.optimize import linprog

    inner, X, y, scale = _in_units(problem)
    for method, options in ATTEMPTS:
        done = linprog(
            -y,
            A_eq=X.T,
            b_eq=np.zeros(X.shape[1]),
            bounds=np.column_stack([problem.lower, problem.upper]),
            method=method,
            options=options,
        )
        if done.x is not None:
            break
    else:
        raise RuntimeError(f"HiGHS did not solve the linear program: {done.message}")
    return settled(inner, -done.eqlin.marginals * scale, done.x, int(done.nit))


def _in_units(problem: Problem) -> tuple[Conditioned, Matrix, Vector, Vector]:
    """Independent columns of largest entry 1, targets of typical size 1, and the way back for w."""
    inner = conditioned(problem)
    X = inner.problem.X.rows(np.arange(len(problem.y)))
    columns, typical = np.abs(X).max(axis=0), problem.typical
    return inner, X / columns, problem.y / typical, typical / columns


def solve_surely(problem: Problem) -> Solution:
    """A problem whose rows are in memory: along the central path, or through HiGHS.

    Where so many rows meet in the optimum that the path does not tell which, a vertex does.
    """
    solution = solve_directly(problem)
    if solution.is_settled or problem.X.shape[0] > FEW:
        return solution
    try:
        other = solve_with_highs(problem)
    except RuntimeError:
        return solution
    if other.is_settled:
        return other
    return min(solution, other, key=lambda found: certify(problem, found).gap)
