"""The problem handed to solvers that exist: as one writes it down, and as a linear program."""

from __future__ import annotations

import numpy as np

from hwlib._extras import require
from hwlib.lad._direct import conditioned, settled, solve_directly
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution

# Up to so many rows HiGHS takes no more than some seconds.
FEW = 5_000
# The tightest tolerances that HiGHS takes; where it cannot meet them, its defaults have to do.
TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def solve_with_cvxpy(problem: Problem) -> Solution:
    """The primal problem through cvxpy, with its default solver."""
    cp = require("cvxpy", "cvxpy")
    X = problem.X.rows(np.arange(problem.X.shape[0]))
    w, r = cp.Variable(X.shape[1]), cp.Variable(X.shape[0])
    fitted = r == problem.y - X @ w
    tau = problem.quantile
    loss = cp.maximum(tau * r, (tau - 1) * r)
    program = cp.Problem(cp.Minimize(problem.v @ loss), [fitted])
    program.solve()
    if w.value is None:
        raise RuntimeError(f"cvxpy ended with the status {program.status!r} and no solution")
    sign = 1 if fitted.dual_value @ problem.y >= 0 else -1
    steps = int(program.solver_stats.num_iters or 0)
    return settled(problem, w.value, sign * fitted.dual_value, steps)


def solve_with_highs(problem: Problem) -> Solution:
    """The dual linear program through HiGHS, which ends on a vertex.

    Maximize yᵀa subject to Xᵀa = 0 and vᵢ(τ − 1) ≤ aᵢ ≤ vᵢτ. The multipliers of Xᵀa = 0 are w.
    """
    from scipy.optimize import linprog

    inner = conditioned(problem)
    n, d = inner.problem.X.shape
    X = inner.problem.X.rows(np.arange(n))
    columns, scale = np.abs(X).max(axis=0), problem.typical
    for options in (TIGHT, {}):
        done = linprog(
            -problem.y / scale,
            A_eq=(X / columns).T,
            b_eq=np.zeros(d),
            bounds=np.column_stack([problem.lower, problem.upper]),
            method="highs-ds",
            options=options,
        )
        if done.x is not None:
            break
    else:
        raise RuntimeError(f"HiGHS did not solve the linear program: {done.message}")
    w = inner.original(-done.eqlin.marginals * scale / columns)
    return settled(problem, w, done.x, int(done.nit))


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
    return other if other.is_settled else solution
