"""Problems that were once solved, certified or judged wrongly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.lad.data import lines
from tests.lad.test_certificate import exact_loss, exact_optimum, exactly

from hwlib import lad

CERTIFIED = 1e-9  # what hwlib promises
SOLVERS = ("auto", "interior-point", "highs", "cvxpy")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_column_twice(solver):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 9))
        x, y = rng.normal(size=(2, n))
        fit = lad.fit(np.column_stack([np.ones(n), x, x]), y, solver=solver)
        single = lad.fit(np.column_stack([np.ones(n), x]), y)
        assert fit.relative_gap <= CERTIFIED
        assert fit.objective == pytest.approx(single.objective, rel=CERTIFIED)
        assert fit.coef[2] == 0
        assert not fit.unique


@pytest.mark.parametrize("solver", ["auto", "highs", "cvxpy"])
def test_columns_of_zeros_alone_or_none_that_a_weight_reaches(solver):
    fit = lad.fit(np.zeros((3, 2)), [1.0, 2, 3], solver=solver)
    np.testing.assert_array_equal(fit.coef, [0, 0])
    assert fit.unique is False
    rows = np.array([[0.0], [0], [5]])
    assert lad.fit(rows, [1.0, 2, 3], sample_weight=[1, 1, 0], solver=solver).objective == 1.5


@pytest.mark.filterwarnings("ignore::hwlib.lad.NotCertifiedWarning")
@pytest.mark.parametrize("orders", [2, 4, 6])
def test_weights_do_not_make_columns_equal(orders):
    half = Fraction(1, 2)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=6)
        X = np.column_stack([x, x + 10.0 ** rng.uniform(-14, -8) * rng.normal(size=6)])
        y, v = rng.normal(size=6), 10.0 ** rng.uniform(-orders, orders, size=6)
        fit = lad.fit(X, y, sample_weight=v)
        exact = exactly(X), exactly(y)[0], half, exactly(v)[0]
        rows, targets, tau, weights = exact
        optimum = exact_optimum(rows, targets, tau, weights)
        excess = exact_loss(rows, targets, exactly(fit.coef)[0], tau, weights) - optimum
        assert excess <= Fraction(fit.gap), seed


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_outlier_does_not_hide_that_the_optimum_is_an_interval(solver):
    fit = lad.fit(np.ones((4, 1)), [1, 2, 2.5, 1e12], solver=solver)
    assert fit.unique is False
    assert fit.coef[0] == pytest.approx(2.25)


@pytest.mark.parametrize("solver", ["auto", "highs"])
def test_an_exact_fit_with_zeros_is_unique(solver):
    X = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]])
    assert lad.fit(X, [0, 1, 0, 1, 1], solver=solver).unique is True
    X, v = np.array([[1, 0], [0, 1], [1, 0], [1, 1], [0, 0]]), [1, 2, 1, 1, 1]
    fit = lad.fit(X, [0, 1, 0, 1, 0], quantile=0.25, sample_weight=v, solver=solver)
    assert fit.unique is True


def test_huge_outliers_leave_the_fitted_rows_fitted():
    X, y = lines(3_000, 5)
    y[:150] = 1e12
    fits = [lad.fit(X, y, quantile=0.9, solver=solver) for solver in ("auto", "interior-point")]
    np.testing.assert_allclose(fits[0].coef, fits[1].coef, atol=1e-12)


def test_coefficients_moved_along_equal_columns_do_not_pass():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50))
    X = np.column_stack([np.ones(50), x, x])
    fit = lad.fit(X, y)
    assert not lad.verify(X, y, replace(fit, coef=fit.coef + np.array([1e-3, 1e12, -1e12]))).holds


def test_weights_of_twelve_orders_and_many_ties():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 40))
    y = (rng.normal(size=2_000) > 1.5) * rng.integers(1, 5, size=2_000).astype(float)
    v = 10.0 ** rng.uniform(-6, 6, size=2_000)
    fits = [lad.fit(X, y, quantile=0.01, sample_weight=v, solver=s) for s in ("auto", "highs")]
    assert fits[0].relative_gap <= CERTIFIED
    assert fits[0].objective == pytest.approx(fits[1].objective, rel=CERTIFIED)


def test_a_dozen_rows_of_leverage_are_solved_to_the_last_digits_of_the_loss():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(43, 40))
    X[:3] *= 1e6
    y = X @ rng.normal(size=40) + rng.normal(size=43)
    fits = [lad.fit(X, y, solver=solver) for solver in ("auto", "highs")]
    assert max(f.gap / f.objective for f in fits) <= CERTIFIED


def test_a_masked_array_is_refused():
    with pytest.raises(TypeError, match="y is a masked array"):
        lad.fit(np.ones((2, 1)), np.ma.masked_array([1.0, 2], mask=[False, True]))


@pytest.mark.parametrize("n", [40_000, 400_000])
def test_dummies_behind_ones_are_seen_to_depend_however_many_rows_there_are(n):
    # A QR decomposition of one block after another rounds once for each: 1e-13 at 40,000 rows.
    y = np.random.default_rng(0).normal(size=n)
    fit = lad.fit(np.column_stack([np.ones(n), np.eye(20)[np.arange(n) % 20]]), y)
    assert fit.unique is False
    assert fit.coef[-1] == 0
    medians = [np.median(y[group::20]) for group in range(20)]
    np.testing.assert_allclose(fit.coef[0] + fit.coef[1:], medians, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_row_that_no_dependence_touches_does_not_hide_it(solver):
    # What the projection on the other columns left in the row (0, 0, 0, 1), 2e-31, was taken for a
    # width of X: no bound was found, and the gap was the whole loss.
    X = np.array([[0.0, 0, 0, 0], [0, 0, 0, 1], [-3, 1, -3, -3], [-3, 1, -3, -3]])
    fit = lad.fit(X, [0.0, 0, 0, 1], quantile=0.1, solver=solver)
    assert fit.relative_gap <= CERTIFIED
    assert fit.unique is False


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_targets_of_0_leave_the_uniqueness_of_0_in_no_doubt(solver, order):
    # Coefficients of 1e-33 were taken for numbers with a scale of their own, and False came out,
    # or True, as the rows lay in memory.
    table = """0 0 0 1; 0 0 1 0; 0 0 1 0; 0 0 1 -1; 0 1 0 0; 0 1 0 0; 0 1 -1 0; 0 -1 2 1; 0 2 0 0;
        1 0 0 -1; 3 0 1 -1; 3 -1 0 0; 0 -1 -2 1; -1 0 2 0; 0 -1 0 2; -1 0 -1 0"""
    rows = np.array([row.split() for row in table.split(";")], float)
    v = np.array([1.0] * 14 + [2, 2])
    X = rows[:, :3]
    for layout in (X, np.array(X, order=order)):
        fit = lad.fit(layout, rows[:, 3], sample_weight=v, solver=solver)
        np.testing.assert_allclose(fit.coef, 0, atol=1e-9)
        assert fit.unique is True


@pytest.mark.parametrize("solver", ["auto", "interior-point", "highs"])
def test_an_exact_fit_through_repeated_rows_is_seen_to_be_unique(solver):
    # No d of these rows were found that are a vertex and independent: HiGHS's fit had no answer.
    X = [[1, -1, 2, 2], [-3, -3, -1, -1], [-3, -2, -3, -3], [-3, -2, -3, -3], [1, -1, 2, 2]]
    X = np.array([*X, [2, 1, 0, 3]], dtype=float)
    y = np.array([-1.0, 3, -2, -2, -1, 3])
    fit = lad.fit(X, y, quantile=0.75, sample_weight=[2, 1, 1, 1, 2, 2], solver=solver)
    assert fit.unique is True
    np.testing.assert_allclose(X @ fit.coef, y, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_equal_rows_make_no_vertex(solver, order):
    # Elimination did not see that two of the d rows were equal: the path ended at the fourth step,
    # with a dual that was none, and the gap was a fifth of the loss.
    table = """3 2 3 -1 0 3; -2 1 0 0 -2 3; 0 -2 3 1 2 2; -1 2 3 0 0 2; 0 -1 2 -1 3 1; 0 -2 3 1 2 3;
        -1 0 2 0 -2 3; 2 -2 -1 -2 3 1; 2 -2 -1 -2 3 3; -2 1 0 0 -2 1; -2 -3 1 0 0 1;
        -2 2 1 -1 -3 1; -3 2 3 -1 3 3; 0 -1 -1 -2 3 1; 1 0 -2 3 -3 1; 3 3 -3 2 3 2"""
    rows = np.array([row.split() for row in table.split(";")], float)
    X = np.array(rows[:, :4], order=order)
    fit = lad.fit(X, rows[:, 4], quantile=0.1, sample_weight=rows[:, 5], solver=solver)
    assert fit.relative_gap <= CERTIFIED
    np.testing.assert_allclose(fit.coef * 113, [92, -42, -65, -3], atol=1e-9)


@pytest.mark.parametrize("unit", [1.0, 1e-130, 1e130])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_row_that_bears_less_rounding_than_the_others_does_not_hide_a_dependence(solver, unit):
    # Least squares left in the first row a part of the rounding of the others: the gap was 1.
    X = np.array([[0, 0, -3e-2], [-3e-6, 3e-2, -1e-2], [0, 0, 0], [-2e-6, 2e-2, -3e-2]])
    fit = lad.fit(unit * X, [1.0, 2, 3, 5], solver=solver)
    assert fit.relative_gap <= CERTIFIED
    assert fit.unique is False


@pytest.mark.parametrize("solver", SOLVERS)
def test_fitted_rows_that_depend_on_one_another_do_not_throw_the_point_off(solver):
    # Four of these rows have room in the dual, and span three dimensions. Rounding hid that from an
    # elimination, which moved a point of the face along the fourth, past other rows.
    X = np.array([
        [0, 0, -1, 0], [1, 1, -2, -1], [-1, 2, 1, 1], [-2, -3, 3, 0], [-3, 0, -3, 2],
        [1, -2, 0, 3], [1, -2, -1, 0], [3, -2, 1, 2], [-3, 1, 3, 0], [0, -3, -3, 3], [-1, 2, 1, 0],
    ])  # fmt: skip
    y = [0, 1, 0, -2, 0, -1, 1, 1, 0, 0, 0]
    v = [2, 3, 2, 1, 1, 3, 1, 2, 3, 1, 1]
    fit = lad.fit(X, y, sample_weight=v, quantile=0.75, solver=solver)
    assert fit.objective == pytest.approx(5.75, rel=CERTIFIED)
    assert fit.unique is False
    np.testing.assert_allclose(fit.coef, [0.125, 0.125, -0.125, 0], atol=1e-12)
