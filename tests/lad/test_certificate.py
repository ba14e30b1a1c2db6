"""The gap is a true bound: against optima and objectives in exact rational arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad import _precise
from hwlib.lad._certificate import farthest
from hwlib.lad._design import BLOCK, DenseDesign
from hwlib.lad._problem import Problem


def exactly(array):
    return [[Fraction(float(x)) for x in row] for row in np.atleast_2d(array)]


def solve(rows, targets):
    """Gauss in rationals; None for a singular system."""
    d = len(rows)
    system = [[*row, target] for row, target in zip(rows, targets, strict=True)]
    for j in range(d):
        pivot = next((i for i in range(j, d) if system[i][j]), None)
        if pivot is None:
            return None
        system[j], system[pivot] = system[pivot], system[j]
        system[j] = [x / system[j][j] for x in system[j]]
        for i in range(d):
            if i != j:
                system[i] = [
                    a - system[i][j] * b for a, b in zip(system[i], system[j], strict=True)
                ]
    return [row[-1] for row in system]


def exact_loss(X, y, w, tau, v):
    total = Fraction(0)
    for row, target, weight in zip(X, y, v, strict=True):
        r = target - sum(a * b for a, b in zip(row, w, strict=True))
        total += weight * max(tau * r, (tau - 1) * r)
    return total


def exact_optimum(X, y, tau, v):
    corners = (
        solve([X[i] for i in rows], [y[i] for i in rows])
        for rows in combinations(range(len(y)), len(X[0]))
    )
    return min(exact_loss(X, y, w, tau, v) for w in corners if w is not None)


def tiny(seed):
    """At most 8 rows of 2 columns, of one of several kinds."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    X, y, v = rng.normal(size=(n, 2)), rng.normal(size=n), np.ones(n)
    kind = seed % 6
    if kind == 1:
        X, y = rng.integers(-1, 2, size=(n, 2)).astype(float), rng.integers(-2, 3, n).astype(float)
        X[0], X[1] = (1, 0), (1, 1)
    elif kind == 2:
        X[:, 1] = X[:, 0] + 1e-9 * X[:, 1]
    elif kind == 3:
        X[:, 0] *= 1e6
        y[0] = 1e10
    elif kind == 4:
        v = rng.integers(1, 5, size=n).astype(float)
    elif kind == 5:
        y = X @ [1, 2] + 1e-13 * y
    return X, y, v, float(rng.choice([0.5, 0.3, 0.9]))


@pytest.mark.filterwarnings("ignore::hwlib.lad.NotCertifiedWarning")
@pytest.mark.parametrize("seed", range(60))
def test_the_gap_of_a_fit_covers_the_exact_excess(seed):
    X, y, v, tau = tiny(seed)
    fit = lad.fit(X, y, quantile=tau, sample_weight=v)
    rational = exactly(X), exactly(y)[0], Fraction(tau), exactly(v)[0]
    optimum = exact_optimum(rational[0], rational[1], *rational[2:])
    assert Fraction(fit.objective) - optimum <= Fraction(fit.gap)
    at_fit = exact_loss(rational[0], rational[1], exactly(fit.coef)[0], *rational[2:])
    assert at_fit - optimum <= Fraction(fit.gap)


@pytest.mark.parametrize("seed", range(40))
def test_the_gap_of_any_pair_covers_the_exact_excess(seed):
    X, y, v, tau = tiny(seed)
    rng = np.random.default_rng(1000 + seed)
    lower, upper = v * (tau - 1), v * tau
    fit = lad.LADFit(
        coef=rng.normal(size=2),
        dual=np.clip(rng.normal(size=len(y)), lower, upper),
        objective=0.0, gap=0.0, relative_gap=0.0, n_iter=0, solver="none", unique=None,
        quantile=tau, sample_weight=v,
    )  # fmt: skip
    proof = lad.verify(X, y, fit)
    rational = exactly(X), exactly(y)[0], Fraction(tau), exactly(v)[0]
    excess = Fraction(proof.objective) - exact_optimum(rational[0], rational[1], *rational[2:])
    assert excess <= Fraction(proof.gap)


def test_moved_coefficients_lose_the_certificate():
    X, y = lines()
    fit = lad.fit(X, y)
    for shift in (1e-3, 1e-6):
        moved = lad.verify(X, y, replace(fit, coef=fit.coef + shift))
        assert moved.gap >= moved.objective - fit.objective > 0
        assert not moved.holds


def test_a_moved_dual_loses_the_certificate():
    X, y = lines()
    fit = lad.fit(X, y)
    assert not lad.verify(X, y, replace(fit, dual=0.99 * fit.dual)).holds
    flipped = fit.dual.copy()
    flipped[np.abs(flipped).argmax()] *= -1
    assert not lad.verify(X, y, replace(fit, dual=flipped)).holds


def test_a_dual_outside_its_box_proves_nothing():
    X, y = lines()
    fit = lad.fit(X, y)
    outside = lad.verify(X, y, replace(fit, dual=fit.dual * (1 + 1e-12)))
    assert outside.gap == outside.relative_gap == np.inf
    assert not outside.holds


def test_verify_refuses_what_does_not_belong_together():
    X, y = lines()
    fit = lad.fit(X, y)
    with pytest.raises(ValueError, match="coef must hold 3 finite numbers"):
        lad.verify(X[:, :3], y, fit)
    with pytest.raises(ValueError, match="dual must hold 200 finite numbers"):
        lad.verify(X[:200], y[:200], fit)
    with pytest.raises(ValueError, match="coef must hold 4 finite numbers"):
        lad.verify(X, y, replace(fit, coef=fit.coef * np.nan))


@pytest.mark.parametrize("n", [5, BLOCK, BLOCK + 7])
def test_precise_products_are_exact_to_the_last_bit(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3)) * 10.0 ** rng.integers(-8, 8, size=(n, 1))
    y, w, a = rng.normal(size=n), rng.normal(size=3), rng.normal(size=n)
    design = DenseDesign(X)
    rows, targets, weights, duals = exactly(X), exactly(y)[0], exactly(w)[0], exactly(a)[0]
    residuals = [
        float(target - sum(p * q for p, q in zip(row, weights, strict=True)))
        for row, target in zip(rows, targets, strict=True)
    ]
    sums = [float(sum(row[j] * b for row, b in zip(rows, duals, strict=True))) for j in range(3)]
    np.testing.assert_allclose(_precise.residuals(design, y, w), residuals, rtol=2.0**-52)
    np.testing.assert_allclose(_precise.tdot(design, a), sums, rtol=2.0**-52)


@pytest.mark.parametrize("n", [1, 7, BLOCK])
def test_a_sum_in_any_order_passes_through_no_more_roundings_than_are_allowed_for(n):
    assert DenseDesign(np.ones((n, 2))).depth >= n


@pytest.mark.parametrize("row", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 4])
def test_the_farthest_row_is_found_wherever_it_lies(row):
    X = np.full((2 * BLOCK + 5, 2), 1e-3)
    X[row] = [3, 4]
    problem = Problem(DenseDesign(X), np.zeros(len(X)), np.ones(len(X)), 0.5)
    assert farthest(problem, np.eye(2), np.array([1.0, 2.0]), np.zeros(2)) == 11
    assert farthest(problem, np.eye(2), np.array([1.0, 2.0]), np.array([0.6, 0.8])) == 16


def test_dekker_a_product_is_its_rounded_value_and_what_that_leaves_out():
    a, b = np.random.default_rng(0).normal(size=(2, 1000))
    for p, q, product, error in zip(a, b, *_precise._two_product(a, b), strict=True):
        assert Fraction(p) * Fraction(q) == Fraction(product) + Fraction(error)
