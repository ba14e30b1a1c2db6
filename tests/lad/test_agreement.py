"""Every solver reaches the optimum of the primal program: noise laws × weights × quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lad.data import LAWS, lines
from tests.lad.test_fit import REFERENCE, check, primal_optimum

from hwlib import lad

SOLVERS = ("auto", "interior-point", "highs", "cvxpy")
SAME = 1e-8  # coefficients of size 1, where the optimum is one point
WEIGHTS = {
    "none": lambda rng, n: None,  # noqa: ARG005
    "integers": lambda rng, n: rng.integers(0, 4, size=n).astype(float),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
}


@pytest.mark.parametrize("tau", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("law", LAWS)
def test_all_solvers_agree_with_the_primal_program(law, weights, tau):
    n = 300
    X, y = lines(n, 4, law, seed=7)
    v = WEIGHTS[weights](np.random.default_rng(8), n)
    optimum = primal_optimum(X, y, tau, v)
    fits = [lad.fit(X, y, quantile=tau, sample_weight=v, solver=s) for s in SOLVERS]
    for fit in fits:
        check(X, y, fit)
        assert fit.objective == pytest.approx(optimum, rel=REFERENCE)
        assert fit.unique is fits[0].unique
        np.testing.assert_allclose(fit.coef, fits[0].coef, atol=SAME)


@pytest.mark.parametrize(
    ("solver", "seed"),
    [("auto", s) for s in (0, 60, 113, 166, 174, 189)] + [("interior-point", s) for s in (0, 6, 7)],
)
def test_features_with_tails_as_heavy_as_they_come(solver, seed):
    n = 5_500
    rng = np.random.default_rng(seed)
    X = rng.standard_cauchy((n, 3))
    X[:, 0] = 1
    y = X @ [1, 2, -1] + (rng.uniform(size=n) < 0.2) * rng.normal(size=n)
    check(X, y, lad.fit(X, y, quantile=0.9, solver=solver))
