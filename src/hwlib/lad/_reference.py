"""The problem handed to solvers that exist: as one writes it down, and as a linear program."""

from __future__ import annotations

import numpy as np

from hwlib._extras import require
from hwlib.lad._design import Vector
from hwlib.lad._problem import Problem


def solve_with_cvxpy(problem: Problem) -> tuple[Vector, Vector, int]:
    """The primal problem through cvxpy, with its default solver: w, a, iterations."""
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
    return w.value, sign * fitted.dual_value, int(program.solver_stats.num_iters or 0)


def solve_with_highs(problem: Problem) -> tuple[Vector, Vector, int]:
    """The dual linear program through HiGHS, which ends on a vertex: w, a, iterations.

    Maximize yᵀa subject to Xᵀa = 0 and vᵢ(τ − 1) ≤ aᵢ ≤ vᵢτ. The multipliers of Xᵀa = 0 are w.
    """
    from scipy.optimize import linprog

    n, d = problem.X.shape
    X = problem.X.rows(np.arange(n))
    columns, scale = np.abs(X).max(axis=0), np.abs(problem.y).max() or 1.0
    columns[columns == 0] = 1
    done = linprog(
        -problem.y / scale,
        A_eq=(X / columns).T,
        b_eq=np.zeros(d),
        bounds=np.column_stack([problem.lower, problem.upper]),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if done.x is None:
        raise RuntimeError(f"HiGHS did not solve the linear program: {done.message}")
    return -done.eqlin.marginals * scale / columns, done.x, int(done.nit)
