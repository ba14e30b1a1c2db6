"""What must hold of any data: how a fit moves when the data are moved."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.lad.test_certificate import exact_loss, exactly

from hwlib import lad

CERTIFIED = 1e-9  # what hwlib promises
SAME = 1e-9  # small integers: well-conditioned systems of at most 4 columns, errors near 1e-14

integers = st.integers(-3, 3).map(float)
# Quarters between −8 and 8 are exact in float64, and so are their sums.
quarters = st.integers(-32, 32).map(lambda k: k / 4)
quantiles = st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.75, 0.99])


@st.composite
def problems(draw, entries=integers, most_columns=4):
    """(X, y, v, τ), with ties, repeated rows, dependent columns, fewer rows than columns."""
    n, d = draw(st.integers(1, 16)), draw(st.integers(1, most_columns))
    rows = draw(st.lists(st.tuples(*[entries] * (d + 1)), min_size=n, max_size=n))
    table = np.array(rows)
    weights = draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))
    return table[:, :d], table[:, d], np.array(weights, dtype=float), draw(quantiles)


def fitted(X, y, v, tau, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lad.NotCertifiedWarning)
        fit = lad.fit(X, y, sample_weight=v, quantile=tau, **options)
    # The gap of an exact fit is relative to the targets. Where terms of Xw are far larger than
    # these, their rounding alone may exceed 1e-9.
    weights = np.ones(len(y)) if v is None else v
    rounding = 2.0**-52 * (weights @ np.abs(X) @ np.abs(fit.coef))
    assume(fit.relative_gap <= CERTIFIED or fit.objective > rounding)
    assert fit.relative_gap <= CERTIFIED
    return fit


def assert_same(found, coef, objective, unique):
    np.testing.assert_allclose(found.coef, coef, atol=SAME * (1 + np.abs(coef).max()))
    np.testing.assert_allclose(found.objective, objective, rtol=SAME, atol=SAME)
    assert found.unique is unique


@given(problems())
def test_small_integers_are_always_certified(problem):
    X, y, v, tau = problem
    fit = lad.fit(X, y, sample_weight=v, quantile=tau)
    proof = lad.verify(X, y, fit)
    assert proof.holds
    assert fit.unique is not None


@given(problems(), problems())
def test_no_other_coefficients_are_better_by_more_than_the_gap(problem, other):
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    w = np.resize(other[1], X.shape[1])
    exact = exact_loss(exactly(X), exactly(y)[0], exactly(w)[0], *map(exactly_one, (tau, v)))
    assert exact >= exactly_one(fit.objective) - exactly_one(fit.gap)


def exactly_one(value):
    row = exactly(value)[0]
    return row[0] if np.ndim(value) == 0 else row


@given(problems(quarters), st.integers(-300, 300))
def test_scale_equivariance(problem, power):
    """Koenker and Bassett: w(τ; λy, X) = λ w(τ; y, X) for λ > 0."""
    X, y, v, tau = problem
    fit, scale = fitted(X, y, v, tau), 2.0**power
    scaled = fitted(X, scale * y, v, tau)
    np.testing.assert_allclose(
        scaled.coef / scale, fit.coef, atol=SAME * (1 + np.abs(fit.coef).max())
    )
    assert scaled.unique is fit.unique


@given(problems(), st.lists(integers, min_size=4, max_size=4))
def test_regression_equivariance(problem, plane):
    """Koenker and Bassett: w(τ; y + Xb, X) = w(τ; y, X) + b."""
    X, y, v, tau = problem
    b = np.array(plane[: X.shape[1]])
    fit, moved = fitted(X, y, v, tau), fitted(X, y + X @ b, v, tau)
    np.testing.assert_allclose(X @ moved.coef, X @ (fit.coef + b), atol=SAME * 100)
    assert moved.unique is fit.unique
    if fit.unique:
        assert_same(moved, fit.coef + b, fit.objective, True)


@given(problems())
def test_reflection_equivariance(problem):
    """Koenker and Bassett: w(τ; −y, X) = −w(1 − τ; y, X)."""
    X, y, v, tau = problem
    fit, turned = fitted(X, y, v, tau), fitted(X, -y, v, 1 - tau)
    assert_same(turned, -fit.coef, fit.objective, fit.unique)


@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(problem, random):
    X, y, v, tau = problem
    order = list(range(len(y)))
    random.shuffle(order)
    fit, mixed = fitted(X, y, v, tau), fitted(X[order], y[order], v[order], tau)
    assert_same(mixed, fit.coef, fit.objective, fit.unique)


@given(problems(), st.lists(st.sampled_from([-4.0, -0.5, 0.25, 2.0]), min_size=4, max_size=4))
def test_scaling_columns_scales_their_coefficients_back(problem, factors):
    X, y, v, tau = problem
    scale = np.array(factors[: X.shape[1]])
    fit, scaled = fitted(X, y, v, tau), fitted(X * scale, y, v, tau)
    assert_same(scaled, fit.coef / scale, fit.objective, fit.unique)


@st.composite
def tenths(draw):
    """(X, y): two columns, others, their rounded sum, maybe ones; each in a unit of its own."""
    n, d = draw(st.integers(6, 24)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = rng.integers(-3, 4, size=(n, d)) / 10
    total = X[:, 0] + X[:, 1]
    X = np.column_stack([X, np.round(total, 1) if draw(st.booleans()) else total])
    if draw(st.booleans()):
        X = np.column_stack([np.ones(n), X])
    units = 2.0 ** rng.integers(-30, 31, size=X.shape[1])
    return X * units, rng.normal(size=n)


@given(tenths(), quantiles)
def test_a_column_that_is_a_rounded_sum_of_others_adds_nothing(problem, tau):
    X, y = problem
    ones = np.ones(len(y))
    fit, without = fitted(X, y, ones, tau), fitted(X[:, :-1], y, ones, tau)
    np.testing.assert_allclose(fit.objective, without.objective, rtol=SAME, atol=SAME)
    assert fit.unique is False
    assert fit.coef[-1] == 0


@given(problems(), st.lists(integers, min_size=6, max_size=6))
def test_reparametrization_equivariance(problem, above):
    """Koenker and Bassett: w(τ; y, XA) = A⁻¹ w(τ; y, X) for a regular A."""
    X, y, v, tau = problem
    d = X.shape[1]
    mix = np.eye(d)
    mix[np.triu_indices(d, 1)] = above[: d * (d - 1) // 2]
    fit, mixed = fitted(X, y, v, tau), fitted(X @ mix, y, v, tau)
    np.testing.assert_allclose(mixed.objective, fit.objective, rtol=SAME, atol=SAME)
    assert mixed.unique is fit.unique
    if fit.unique:
        np.testing.assert_allclose(
            mix @ mixed.coef, fit.coef, atol=100 * SAME * (1 + np.abs(fit.coef).max())
        )


@given(problems())
def test_a_weight_counts_rows(problem):
    X, y, v, tau = problem
    times = v.astype(int)
    fit = fitted(X, y, v, tau)
    repeated = fitted(np.repeat(X, times, axis=0), np.repeat(y, times), None, tau)
    assert_same(repeated, fit.coef, fit.objective, fit.unique)


@given(problems(), st.sampled_from(["interior-point", "highs", "cvxpy"]))
def test_the_solver_does_not_matter(problem, solver):
    X, y, v, tau = problem
    fit = fitted(X, y, v, tau)
    if solver == "cvxpy":  # its solvers may stop before it is plain which rows meet in the optimum
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lad.NotCertifiedWarning)
            other = lad.fit(X, y, sample_weight=v, quantile=tau, solver=solver)
        assert abs(other.objective - fit.objective) <= fit.gap + other.gap
        assert other.unique in (None, fit.unique)
        return
    assert_same(fitted(X, y, v, tau, solver=solver), fit.coef, fit.objective, fit.unique)
