"""The entry point: from arrays to a certified fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.lad import _precise
from hwlib.lad._certificate import Certificate, certify
from hwlib.lad._columns import independent, triangle, WELL_CONDITIONED
from hwlib.lad._design import DenseDesign
from hwlib.lad._interior_point import central_path
from hwlib.lad._problem import Problem, checked_arrays, checked_quantile, first_not_finite
from hwlib.lad._reference import solve_with_cvxpy, solve_with_highs
from hwlib.lad._vertex import polish

Solver = Literal["auto", "interior-point", "highs", "cvxpy"]
SOLVERS = ("auto", "interior-point", "highs", "cvxpy")


class NotCertifiedWarning(UserWarning):
    """The proven gap of a fit exceeds the tolerance; the message says by how much."""


@dataclass(frozen=True, eq=False)
class LADFit:
    coef: NDArray[np.float64]
    dual: NDArray[np.float64] = field(repr=False)
    objective: float
    gap: float
    relative_gap: float
    n_iter: int
    solver: str
    unique: bool | None
    quantile: float = 0.5
    sample_weight: NDArray[np.float64] | None = field(default=None, repr=False)


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    quantile: float = 0.5,
    sample_weight: ArrayLike | None = None,
    solver: Solver = "auto",
) -> LADFit:
    tau = checked_quantile(quantile)
    if solver not in SOLVERS:
        raise ValueError(f"solver must be one of {', '.join(map(repr, SOLVERS))}, not {solver!r}")
    A, targets, weights = checked_arrays(X, y, sample_weight)
    where = first_not_finite(A)
    if where:
        raise ValueError(f"X[{where[0]}, {where[1]}] is {A[where]}: every entry must be finite")
    v = np.ones(len(targets)) if weights is None else weights
    problem = Problem(DenseDesign(A), targets, v, tau)
    w, a, steps = (solve_with_cvxpy if solver == "cvxpy" else solve_with_highs)(problem)
    a = np.clip(a, problem.lower, problem.upper)
    found = polish(problem, w, a, problem.residuals(w))
    if found:
        w, a = found
    c = certify(problem, w, a)
    return LADFit(w, a, c.objective, c.gap, c.relative_gap, steps, solver, None, tau, weights)


def verify(X: ArrayLike, y: ArrayLike, fit: LADFit) -> Certificate:
    A, targets, _ = checked_arrays(X, y, None)
    v = np.ones(len(targets)) if fit.sample_weight is None else fit.sample_weight
    return certify(Problem(DenseDesign(A), targets, v, fit.quantile), fit.coef, fit.dual)
