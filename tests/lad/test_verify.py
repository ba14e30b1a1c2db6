"""lad.verify of pairs near the optimum: a true bound, and not a loose one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.lad.data import lines
from tests.lad.test_certificate import exact_loss, exact_optimum, exactly, tiny

from hwlib import lad

# An optimal pair leaves rounding only: some 50 units of 2⁻⁵³ per sum, n = 300.
TIGHT = 1e-11


@pytest.mark.filterwarnings("ignore::hwlib.lad.NotCertifiedWarning")
@pytest.mark.parametrize("size", [1e-14, 1e-10, 1e-5, 1e-2])
def test_next_to_the_optimum_the_gap_is_true(size):
    for seed in range(24):
        X, y, v, tau = tiny(seed)
        rng = np.random.default_rng(seed)
        fit = lad.fit(X, y, quantile=tau, sample_weight=v)
        coef = fit.coef * (1 + size * rng.normal(size=2))
        dual = fit.dual + size * v * rng.normal(size=len(y))
        near = replace(fit, coef=coef, dual=np.clip(dual, v * (tau - 1), v * tau))
        proof = lad.verify(X, y, near)
        rows, targets = exactly(X), exactly(y)[0]
        weight, (level,) = exactly(v)[0], exactly(tau)[0]
        excess = exact_loss(rows, targets, exactly(coef)[0], level, weight)
        excess -= exact_optimum(rows, targets, level, weight)
        if np.isfinite(proof.gap):
            assert excess <= exactly(proof.gap)[0][0]


def test_at_the_optimum_the_gap_is_rounding_only():
    for seed in range(10):
        X, y = lines(seed=seed)
        proof = lad.verify(X, y, lad.fit(X, y))
        assert proof.gap <= TIGHT * proof.objective
        assert proof.infeasibility <= TIGHT


def test_the_gap_shrinks_with_the_distance():
    X, y = lines()
    fit = lad.fit(X, y)
    gaps = [lad.verify(X, y, replace(fit, coef=fit.coef + 10.0**-k)).gap for k in (1, 3, 5, 7)]
    assert gaps == sorted(gaps, reverse=True)


def test_any_object_with_the_attributes_will_do():
    X, y = lines()
    fit = lad.fit(X, y, quantile=0.3)
    pair = SimpleNamespace(coef=fit.coef, dual=fit.dual, quantile=0.3, sample_weight=None)
    assert lad.verify(X, y, pair).holds
    assert lad.verify(X.tolist(), y.tolist(), pair).holds


def test_a_proof_of_one_quantile_is_none_of_another():
    X, y = lines()
    fit = lad.fit(X, y)
    assert not lad.verify(X, y, replace(fit, quantile=0.6)).holds
    assert not lad.verify(X, -y, fit).holds


@pytest.mark.parametrize("wrong", [0, 1, np.nan, "0.5", True, None])
def test_a_quantile_that_is_none_is_refused(wrong):
    X, y = lines()
    with pytest.raises(ValueError, match="quantile must be a number"):
        lad.verify(X, y, replace(lad.fit(X, y), quantile=wrong))


def test_data_that_are_not_finite_are_refused():
    X, y = lines()
    fit = lad.fit(X, y)
    spoiled = X.copy()
    spoiled[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"X\[5, 2\] is nan"):
        lad.verify(spoiled, y, fit)
    with pytest.raises(TypeError, match="complex128"):
        lad.verify(X + 0j, y, fit)
