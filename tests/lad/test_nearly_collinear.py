"""Columns that all but depend on one another: proven, or said not to be, but never wrong."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from tests.lad.data import lines
from tests.lad.test_certificate import exact_loss, exact_optimum, exactly

from hwlib import lad

CERTIFIED = 1e-9  # what hwlib promises
SOLVERS = ("auto", "interior-point", "highs")
HALF = Fraction(1, 2)
# At 1e-13 a wrong bound is rare: a dozen problems are too few to meet one.
MANY = 80


def fit_and_warning(X, y, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = lad.fit(X, y, **options)
    assert {w.category for w in caught} <= {lad.NotCertifiedWarning}
    return fit, bool(caught)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("distance", [1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("n", [300, 3_000])
def test_down_to_ten_digits_it_is_certified(n, distance, solver):
    X, y = lines(n, 4)
    noise = np.random.default_rng(1).normal(size=n)
    fit = lad.fit(np.column_stack([X, X[:, 1] + distance * noise]), y, solver=solver)
    assert fit.relative_gap <= CERTIFIED
    assert fit.unique is True


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("distance", [1e-6, 1e-8, 1e-10, 1e-12, 1e-13])
def test_the_gap_is_true_to_the_last_digit_of_the_data(distance, solver):
    wrong = []
    for seed in range(MANY):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 8))
        x = rng.normal(size=n)
        X = np.column_stack([x, x + distance * rng.normal(size=n)])
        y = rng.integers(-2, 3, size=n).astype(float) if seed % 2 else rng.normal(size=n)
        fit, warned = fit_and_warning(X, y, solver=solver)
        assert warned == (fit.relative_gap > CERTIFIED)
        rows, targets, ones = exactly(X), exactly(y)[0], [Fraction(1)] * n
        optimum = exact_optimum(rows, targets, HALF, ones)
        at_fit = exact_loss(rows, targets, exactly(fit.coef)[0], HALF, ones)
        excess = max(at_fit, Fraction(fit.objective)) - optimum
        if np.isfinite(fit.gap) and excess > Fraction(fit.gap):
            wrong.append((seed, float(excess), fit.gap, fit.relative_gap))
    assert not wrong


def test_a_difference_below_the_rounding_of_the_data_counts_as_none():
    X, y = lines(300, 4)
    twin = X[:, 1] * (1 + 2.0**-52 * np.random.default_rng(2).integers(-1, 2, size=300))
    fit, _ = fit_and_warning(np.column_stack([X, twin]), y)
    plain = lad.fit(X, y)
    # The dropped column's coefficient is 0, so that the loss is that of the others.
    assert fit.coef[4] == 0
    assert fit.objective == pytest.approx(plain.objective, rel=CERTIFIED)
