"""Sizes far from 1: of y, of the columns, of the weights."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad._design import DenseDesign
from hwlib.lad._interior_point import _cholesky
from hwlib.lad._problem import LARGEST, SMALLEST, Problem, is_in_range
from hwlib.lad._solution import Solution
from hwlib.lad._vertex import refine

CERTIFIED = 1e-9  # what hwlib promises
# Powers of two change no mantissa, but thresholds may fall otherwise by a last bit.
SAME = 1e-9


def tied(seed):
    """Twelve rows of small integers, whose optima often form a face of two dimensions or three."""
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 2, size=(12, 3)).astype(float), rng.integers(-9, 10, size=12) / 7


@pytest.mark.parametrize("power", [-200, -40, -27, -10, 10, 40, 200])
def test_the_middle_of_the_optima_scales_with_y(power):
    for seed in range(30):
        X, y = tied(seed)
        fit, scaled = lad.fit(X, y), lad.fit(X, y * 2.0**power)
        assert scaled.relative_gap <= CERTIFIED
        np.testing.assert_allclose(scaled.coef / 2.0**power, fit.coef, atol=SAME, err_msg=str(seed))
        assert scaled.unique == fit.unique


@pytest.mark.filterwarnings("ignore::hwlib.lad.NotCertifiedWarning")
@pytest.mark.parametrize("n", [300, 20_000])
@pytest.mark.parametrize("power", [6, 8, 10, 12, 14])
def test_a_row_that_outweighs_all_others_is_fitted(power, n):
    X, y = lines(n, 5)
    v = np.ones(n)
    v[7] = 10.0**power
    fit = lad.fit(X, y, sample_weight=v)
    # The sizes that rounding is measured by grow with this one weight, and so does what is proven.
    assert fit.relative_gap <= max(CERTIFIED, 10.0 ** (power - 17))
    # Its residual is rounding, a few units of 2⁻⁵³ times sizes of about 10.
    assert abs(y[7] - X[7] @ fit.coef) <= 1e-14


@pytest.mark.filterwarnings("ignore::hwlib.lad.NotCertifiedWarning")
@pytest.mark.parametrize("zero_columns", [0, 1])
def test_weights_of_fourteen_orders_do_not_hide_the_optimum(zero_columns):
    X = np.array([[1.0, 0, 0], [1, 0, 1], [1, 0, 1], [1, 0, 0], [1, 1, 0]])
    X = np.column_stack([X, np.zeros((5, zero_columns))])
    y = np.array([-2.0, 1, 0, -2, -1])
    v = np.array([1e8, 1e-4, 1e-6, 1e-6, 9.999999999999999e-06])  # the last bit matters
    fit = lad.fit(X, y, sample_weight=v, quantile=0.9)
    # The third row alone cannot be fitted with the others: 0.1 × 1e-6 × 1.
    assert fit.objective == pytest.approx(1e-7, rel=1e-3)


def test_fewer_rows_than_columns_of_very_different_sizes_are_fitted_exactly():
    X = np.array([[0, -100, 0, -1000], [-1000, 0, 0.1, 0], [-1000, -100, -0.1, 1000.0]])
    y = np.array([-0.3070622870057959, 1.5080722715721342, -0.5822293778059019])
    for solver in ("auto", "highs"):
        fit = lad.fit(X, y, solver=solver)
        assert fit.relative_gap <= CERTIFIED
        assert fit.coef[3] == 0


@pytest.mark.parametrize("solver", ["auto", "interior-point", "highs"])
def test_a_large_y_does_not_blur_the_row_that_decides(solver):
    # A weighted median: the optimum fits one of the rows with y = 0.
    X = 1e-3 * np.array([-1.0, -1, 1, -1, -1, 1, -1])[:, None]
    y = np.array([0, -1e6, 20, 1e-6, -10, 0, 0])
    fit = lad.fit(X, y, quantile=0.9, solver=solver)
    assert abs(fit.coef[0]) <= 1e-9


@pytest.mark.parametrize("solver", ["auto", "interior-point", "highs"])
def test_an_exact_fit_of_independent_columns_is_unique_whatever_the_sizes(solver):
    # Rounding of y = Xw is not room to move: rows of four different sizes span the three columns.
    X = np.array(
        [
            [-9.420956678947548e-06, 8.236859191691488e-05, 0.00021288442279451396],
            [14.88238792526104, 0.7013263249739033, -1.5975000459011024],
            [-14.049035941413576, 14.509027147653768, -5.887655586126058],
            [-14.049035941413576, 14.509027147653768, -5.887655586126058],
        ]
    )
    assert lad.fit(X, X @ [2, 2, 1], solver=solver).unique is True


@pytest.mark.parametrize(
    ("reach", "targets", "weights", "fine"),
    [
        ([0.0, 1.0], 1.0, [0.0, 1.0], True),
        ([LARGEST, 1.0], 1.0, [1.0], False),
        ([SMALLEST, 1.0], 1.0, [1.0], False),
        ([1.0], 1.0, [1.0, LARGEST], False),
        ([1.0], 1.0, [1.0, SMALLEST], False),
        ([1.0], 1e308, [1.0], False),
    ],
)
def test_sizes_whose_squares_are_safe(reach, targets, weights, fine):
    assert is_in_range(np.array(reach), targets, np.array(weights)) is fine


def test_a_gram_matrix_that_overflows_is_said_to():
    with pytest.raises(ArithmeticError, match="rescale X or the weights"):
        _cholesky(np.array([[-1.0, np.inf], [np.inf, 1.0]]))


def test_what_is_refined_keeps_the_zeros_of_dependent_columns():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3))
    X = np.column_stack([x, x**2, x])
    w = np.append(np.linalg.lstsq(X[:2, :2], y[:2], rcond=None)[0], 0.0)
    problem = Problem(DenseDesign(X[:2]), y[:2], np.ones(2), 0.5)
    found = refine(problem, Solution(w * (1 + 1e-6), np.zeros(2)))
    assert found.w[2] == 0
    np.testing.assert_allclose(found.w, w, rtol=1e-12)
    unit = Problem(DenseDesign(X[:2, :2]), X[:2, 0], np.ones(2), 0.5)
    found = refine(unit, Solution(np.array([1.0, 1e-6]), np.zeros(2)))
    np.testing.assert_allclose(found.w, [1, 0], atol=1e-12)
