"""Whether the optimum is unique, and which one it is where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad._design import DenseDesign
from hwlib.lad._face import CONDITIONS, extent, middle
from hwlib.lad._problem import Problem
from hwlib.lad._solution import Solution

SOLVERS = ("auto", "interior-point", "highs", "cvxpy")
SAME = 1e-10  # two ways to the same point, through systems that are well conditioned


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_column_of_ones_gives_the_usual_median(solver):
    rng = np.random.default_rng(1)
    for n in (1, 2, 9, 10, 101, 500):
        y = rng.normal(size=n)
        fit = lad.fit(np.ones((n, 1)), y, solver=solver)
        assert fit.coef[0] == pytest.approx(np.median(y), abs=SAME)
        assert fit.unique == (n % 2 == 1)


@pytest.mark.parametrize("tau", [0.1, 0.3, 0.25, 0.9])
def test_a_column_of_ones_gives_the_averaged_quantile(tau):
    y = np.random.default_rng(2).normal(size=20)
    fit = lad.fit(np.ones((20, 1)), y, quantile=tau)
    expected = np.quantile(y, tau, method="averaged_inverted_cdf")
    assert fit.coef[0] == pytest.approx(expected, abs=SAME)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("groups", [2, 3])
def test_dummies_give_the_median_of_each_group(groups, solver):
    group = np.arange(12 * groups) % groups
    y = np.random.default_rng(groups).normal(size=len(group))
    fit = lad.fit(np.eye(groups)[group], y, solver=solver)
    medians = [np.median(y[group == g]) for g in range(groups)]
    np.testing.assert_allclose(fit.coef, medians, atol=SAME)
    assert fit.unique is False


@pytest.mark.parametrize("n", [40, 5000])
@pytest.mark.parametrize("discrete", [False, True])
def test_weights_are_the_same_as_repeated_rows(discrete, n):
    rng = np.random.default_rng(3)
    X, y = lines(n, 3, seed=3)
    if discrete:
        X, y = np.round(X), np.round(y)
    v = rng.integers(0, 4, size=n)
    weighted = lad.fit(X, y, sample_weight=v)
    repeated = lad.fit(np.repeat(X, v, axis=0), np.repeat(y, v))
    np.testing.assert_allclose(weighted.coef, repeated.coef, atol=SAME)
    assert weighted.unique == repeated.unique


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(4)
    X, y = rng.integers(-1, 2, size=(40, 3)).astype(float), rng.integers(-2, 3, size=40)
    first = lad.fit(X, y)
    for _ in range(5):
        order = rng.permutation(40)
        np.testing.assert_allclose(lad.fit(X[order], y[order]).coef, first.coef, atol=SAME)


def test_dependent_columns_get_the_coefficient_0():
    X, y = lines()
    plain = lad.fit(X, y)
    fit = lad.fit(np.column_stack([X[:, 0], 2 * X[:, 0], X[:, 1:], X[:, 1] - X[:, 2]]), y)
    np.testing.assert_allclose(fit.coef[[0, 2, 3, 4]], plain.coef, atol=SAME)
    assert fit.coef[1] == fit.coef[5] == 0
    assert plain.unique is True
    assert fit.unique is False


def test_many_rows_with_a_dependent_column():
    X, y = lines(20_000, 3)
    plain = lad.fit(X, y)
    fit = lad.fit(np.column_stack([X, X[:, 0] + X[:, 1]]), y)
    np.testing.assert_allclose(fit.coef[:3], plain.coef, atol=SAME)
    assert fit.coef[3] == 0
    assert fit.unique is False


def test_an_edge_of_optima_is_halved():
    # |1 − w| + |w − 2| + |w| + |w − 3| is smallest from 1 to 2.
    fit = lad.fit(np.ones((4, 1)), [1.0, 2.0, 0.0, 3.0])
    assert fit.coef[0] == pytest.approx(1.5, abs=SAME)


def test_a_perfect_fit_is_unique_if_the_columns_are_independent():
    X, _ = lines()
    assert lad.fit(X, X @ [1, 2, 3, 4]).unique is True
    assert lad.fit(X[:3], X[:3] @ [1, 2, 3, 4]).unique is False


@pytest.mark.parametrize("tau", [0.5, 1 / 3, 0.3333333, 0.25])
def test_small_integers_with_every_kind_of_tie(tau):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(1, 14)), int(rng.integers(1, 4))
        X, y = rng.integers(-2, 3, size=(n, d)), rng.integers(-2, 3, size=n)
        v = rng.integers(1, 4, size=n)
        weighted = lad.fit(X, y, sample_weight=v, quantile=tau)
        repeated = lad.fit(np.repeat(X, v, axis=0), np.repeat(y, v), quantile=tau)
        assert weighted.relative_gap <= 1e-9
        np.testing.assert_allclose(weighted.coef, repeated.coef, atol=SAME, err_msg=str(seed))


class TestFaces:
    """What is not optimal has faces without an end, too: a solver that stops early may give one."""

    def face(self, X, y):
        """A point in the origin that fits the first row, with all others above it."""
        problem = Problem(DenseDesign(np.array(X, float)), np.array(y, float), np.ones(len(y)), 0.5)
        a = problem.walls(problem.y)
        a[0] = 0
        return problem, Solution(np.zeros(len(X[0])), a)

    @pytest.mark.parametrize("d", [2, 3, 4])
    def test_one_without_an_end_is_not_resolved(self, d):
        problem, solution = self.face(np.eye(d), [0.0] + [1.0] * (d - 1))
        assert extent(problem, solution) is None
        moved, unique = middle(problem, solution)
        assert unique is None
        np.testing.assert_array_equal(moved.w, np.zeros(d))

    def test_its_end_may_be_behind_conditions_that_came_first(self):
        near = np.linspace(1, 2, 2 * CONDITIONS)
        X = [[1, 0, 0]] + [[0, 1, 0]] * len(near) + [[0, -1, 0], [0, 0, 1], [0, 0, -1]]
        problem, solution = self.face(X, [0.0, *near, 1000.0, 1000.0, 500.0])
        w, steps = extent(problem, solution)
        np.testing.assert_array_equal(w, np.zeros(3))
        np.testing.assert_allclose(steps, [[0, 0], [1000, 0], [0, 1000]], rtol=1e-9)
