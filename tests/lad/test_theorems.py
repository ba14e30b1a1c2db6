"""What linear programming and Koenker and Bassett prove of an optimum, in rational arithmetic.

R. Koenker, G. Bassett, *Regression Quantiles*, Econometrica 46(1), 1978, section 3; R. Koenker,
*Quantile Regression*, 2005, chapter 2.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.lad.test_certificate import exact_loss, exact_optimum, exactly, solve
from tests.lad.test_properties import exactly_one, fitted, integers, problems

from hwlib import lad

# Nonzero residuals of small integers at a corner are at least one over a determinant, some 1e-3.
ZERO = 1e-9
UNIT = Fraction(1, 2**53)

# Few digits, any size: what is left of such numbers in a difference of two is large, or 0.
wild = st.builds(
    lambda digits, power: digits * 2.0**power, st.integers(-7, 7), st.integers(-60, 60)
)


def in_rationals(X, y, tau, v):
    return exactly(X), exactly_one(y), exactly_one(tau), exactly_one(v)


def residuals(X, y, w):
    """Without rounding."""
    rows, targets, w = exactly(X), exactly_one(y), exactly_one(w)
    return [
        target - sum(a * b for a, b in zip(row, w, strict=True))
        for row, target in zip(rows, targets, strict=True)
    ]


def independent(X):
    """Columns that span all others, from left to right."""
    kept = []
    for j in range(X.shape[1]):
        gram = [
            [sum(a * b for a, b in zip(p, q, strict=True)) for q in (*kept, c)]
            for c in [exactly(X.T)[j]]
            for p in (*kept, c)
        ]
        if solve(gram, [0] * len(gram)) is not None:
            kept.append(exactly(X.T)[j])
    return list(map(list, zip(*kept, strict=True)))


def optimum(X, y, tau, v):
    """The least loss, as the best of all corners."""
    _, targets, tau, v = in_rationals(X, y, tau, v)
    rows = independent(X)
    if not rows:
        return exact_loss([[]] * len(targets), targets, [], tau, v)
    return exact_optimum(rows, targets, tau, v)


@given(problems(), st.lists(integers, min_size=4, max_size=4))
def test_weak_duality(problem, other):
    """No loss is below what a feasible dual gives, wherever the coefficients are."""
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    w = np.array(other[: X.shape[1]])
    a = exactly_one(fit.dual)
    for entry, weight in zip(a, exactly_one(v), strict=True):
        slack = UNIT * weight  # a wall is a rounded product
        assert weight * (Fraction(tau) - 1) - slack <= entry <= weight * Fraction(tau) + slack
    bound = sum(entry * r for entry, r in zip(a, residuals(X, y, w), strict=True))
    size = sum(map(abs, residuals(X, y, w))) * 3
    assert (
        exact_loss(*in_rationals(X, y, tau, v)[:2], exactly_one(w), Fraction(tau), exactly_one(v))
        >= bound - UNIT * size
    )


@given(problems(most_columns=3))
def test_strong_duality(problem):
    """The loss, the dual's value and the best corner agree, up to the gap."""
    X, y, v, tau = (part[:8] if np.ndim(part) else part for part in problem)
    fit = fitted(X, y, v, tau)
    least = optimum(X, y, tau, v)
    rows, targets, level, weights = in_rationals(X, y, tau, v)
    there = exact_loss(rows, targets, exactly_one(fit.coef), level, weights)
    assert least <= there <= least + Fraction(fit.gap)
    dual = sum(a * b for a, b in zip(exactly_one(fit.dual), targets, strict=True))
    # The dual is feasible up to the infeasibility that is part of the certificate.
    assert abs(dual - least) <= Fraction(1e-12) * (1 + sum(map(abs, targets)) * 3)


@given(problems())
def test_complementary_slackness(problem):
    """Where a residual is not 0, its dual variable is at the wall of its sign."""
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    r = np.array(residuals(X, y, fit.coef), dtype=float)
    wall = np.where(r > 0, v * tau, v * (tau - 1))
    # A row that was fitted until w moved along the optima has its dual from a small system.
    assert (np.abs(fit.dual - wall) <= 2.0**-48 * v)[np.abs(r) > ZERO].all()


@given(problems(), st.lists(integers, min_size=4, max_size=4))
def test_subgradient_optimality_condition(problem, direction):
    """The loss falls in no direction: 0 is a subgradient."""
    X, y, v, tau = problem
    fit, u = fitted(X, y, v, tau), np.array(direction[: X.shape[1]])
    r = np.array(residuals(X, y, fit.coef), dtype=float)
    toward = np.where(np.abs(r) <= ZERO, np.sign(-(X @ u)), np.sign(r))
    slope = -(v * (tau - (toward < 0)) * (X @ u)).sum()
    assert slope >= -len(y) * 2.0**-48 * np.abs(v[:, None] * X).sum() * np.abs(u).max()


@given(problems())
def test_the_optimum_interpolates_d_points(problem):
    """Koenker and Bassett: an optimum that is the only one passes through as many rows as columns.

    These rows determine it: it is what Gauss finds from them.
    """
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    if not fit.unique:
        return
    at = [abs(r) <= ZERO for r in residuals(X, y, fit.coef)]
    rows, targets = exactly(X[at]), exactly_one(y[at])
    d = X.shape[1]
    gram = [[sum(row[i] * row[j] for row in rows) for j in range(d)] for i in range(d)]
    right = [sum(row[i] * t for row, t in zip(rows, targets, strict=True)) for i in range(d)]
    exact = solve(gram, right)
    assert exact is not None
    np.testing.assert_allclose(fit.coef, np.array(exact, float), rtol=1e-12, atol=1e-12)


@given(problems(most_columns=3))
def test_unique_says_whether_one_corner_alone_is_best(problem):
    """The optimal face is the convex hull of its corners, if the columns are independent."""
    X, y, v, tau = (part[:8] if np.ndim(part) else part for part in problem)
    tau = min(max(round(8 * tau), 1), 7) / 8  # a rounded third may tell apart what ⅓ does not
    rows, targets, level, weights = in_rationals(X, y, tau, v)
    d = X.shape[1]
    corners = (
        solve([rows[i] for i in some], [targets[i] for i in some])
        for some in combinations(range(len(y)), d)
    )
    losses = {tuple(w): exact_loss(rows, targets, w, level, weights) for w in corners if w}
    best = [w for w, loss in losses.items() if loss == min(losses.values())]
    assert fitted(X, y, v, tau).unique is (len(best) == 1)


@given(problems())
def test_the_quantile_splits_the_signs_of_the_residuals(problem):
    """Koenker and Bassett: with a column of ones, N ≤ τn ≤ N + Z, in weights."""
    X, y, v, tau = problem
    X[:, 0] = 1
    fit = fitted(X, y, v, tau)
    r = np.array(residuals(X, y, fit.coef), dtype=float)
    rounding = 2.0**-50 * v.sum()
    assert v[r < -ZERO].sum() <= tau * v.sum() + rounding
    assert v[r <= ZERO].sum() >= tau * v.sum() - rounding


@given(problems(), st.lists(st.integers(0, 1000), min_size=16, max_size=16))
def test_a_residual_may_grow_while_it_keeps_its_sign(problem, steps):
    """Koenker and Bassett: coefficients and dual prove the optimum of the moved data, too."""
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    r = np.array(residuals(X, y, fit.coef), dtype=float)
    sign = np.where(np.abs(r) <= ZERO, 0, np.sign(r))
    moved = y + sign * np.array(steps[: len(y)])
    assert lad.verify(X, moved, replace(fit)).holds
    if fit.unique:
        again = fitted(X, moved, v, tau)
        np.testing.assert_allclose(again.coef, fit.coef, rtol=1e-9, atol=1e-9)


@given(problems(), st.integers(1, 31), st.integers(1, 31))
def test_the_least_loss_is_concave_in_the_quantile(problem, one, other):
    """It is a minimum of functions that are linear in τ."""
    X, y, v, _ = problem
    first, second, middle = (
        fitted(X, y, v, tau) for tau in (one / 32, other / 32, (one + other) / 64)
    )
    chord = (first.objective + second.objective) / 2
    assert middle.objective >= chord - first.gap - second.gap - 2.0**-50 * chord


@given(problems(), st.integers(1, 31), st.integers(1, 31))
def test_the_mean_of_the_fit_is_monotone_in_the_quantile(problem, one, other):
    """Bassett and Koenker, 1982: Σ vᵢ xᵢᵀw(τ) does not fall, though single rows may cross."""
    X, y, v, _ = problem
    low, high = sorted((one / 32, other / 32))
    if low == high:
        return
    below, above = (v @ (X @ fitted(X, y, v, tau).coef) for tau in (low, high))
    assert above >= below - ZERO * (1 + abs(below))


@given(problems(wild, most_columns=2))
def test_the_gap_covers_the_excess_on_any_scale(problem):
    """The certificate's theorem, in floating point: loss − optimum ≤ gap, warned of or not."""
    X, y, v, tau = (part[:7] if np.ndim(part) else part for part in problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lad.NotCertifiedWarning)
        fit = lad.fit(X, y, sample_weight=v, quantile=tau)
    least = optimum(X, y, tau, v)
    rows, targets, level, weights = in_rationals(X, y, tau, v)
    there = exact_loss(rows, targets, exactly_one(fit.coef), level, weights)
    assert there - least <= Fraction(fit.gap)
    assert Fraction(fit.objective) - least <= Fraction(fit.gap)


@given(problems(most_columns=3), st.data())
def test_the_gap_covers_the_excess_of_any_pair(problem, data):
    """The certificate's theorem needs no optimum, only a dual within its box."""
    X, y, v, tau = (part[:8] if np.ndim(part) else part for part in problem)
    fit = fitted(X, y, v, tau)
    d, n = X.shape[1], len(y)
    shift = data.draw(st.lists(st.integers(-8, 8), min_size=d, max_size=d))
    share = data.draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n))
    scale = 2.0 ** -data.draw(st.integers(0, 30))
    dual = np.clip(fit.dual + np.array(share) * scale, v * (tau - 1), v * tau)
    pair = replace(fit, coef=fit.coef + np.array(shift) * scale, dual=dual)
    proof = lad.verify(X, y, pair)
    rows, targets, level, weights = in_rationals(X, y, tau, v)
    there = exact_loss(rows, targets, exactly_one(pair.coef), level, weights)
    assert there - optimum(X, y, tau, v) <= Fraction(proof.gap)


@given(problems(), st.data())
def test_a_dual_outside_its_box_proves_nothing(problem, data):
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    dual = fit.dual.copy()
    i = data.draw(st.integers(0, len(y) - 1))
    dual[i] = data.draw(st.sampled_from([v[i] * tau * (1 + 2.0**-40), v[i] * (tau - 1) - 1e-9]))
    assert lad.verify(X, y, replace(fit, dual=dual)).gap == np.inf
