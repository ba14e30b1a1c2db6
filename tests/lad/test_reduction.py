"""Many rows: right whatever the pilot says, and light on memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad import _reduction, _rows
from hwlib.lad._certificate import certify
from hwlib.lad._problem import Problem, unit_weights
from hwlib.lad._rows import Here, off_the_wall

N = 20_000
SAME = 1e-9


def agrees(X, y, **options):
    fast, slow = (lad.fit(X, y, solver=s, **options) for s in ("auto", "interior-point"))
    assert fast.relative_gap <= 1e-9
    assert fast.objective == pytest.approx(slow.objective, rel=1e-9)
    return fast


def test_many_equal_values_are_settled_by_parted_pools(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20 * N, 4))
    y = X.sum(axis=1) + rng.standard_t(3, size=20 * N)
    sizes, whole = [], _reduction.solve_surely
    for module in (_reduction, _rows):
        monkeypatch.setattr(
            module, "solve_surely", lambda problem: sizes.append(len(problem.y)) or whole(problem)
        )
    agrees(np.round(X), np.round(y))
    assert max(sizes) < N


def test_these_problems_are_large():
    X, _ = lines(N, 5)
    assert _reduction.is_large(X.shape)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_an_absurd_pilot_costs_only_time(monkeypatch, scale):
    X, y = lines(N, 4)
    expected = lad.fit(X, y)
    wrong = scale * np.random.default_rng(0).normal(size=4)
    monkeypatch.setattr(_reduction, "_pilot", lambda *_: (wrong, 0))
    found = lad.fit(X, y)
    assert found.relative_gap <= 1e-9
    np.testing.assert_allclose(found.coef, expected.coef, atol=SAME)


def test_sorted_rows():
    X, y = lines(N, 4)
    order = np.argsort(y)
    agrees(X[order], y[order])


def test_the_first_rows_differ_from_the_rest():
    X, y = lines(N, 4)
    y[: N // 4] += 1e4 * np.sign(X[: N // 4, 1])
    agrees(X, y)


def test_a_rare_dummy():
    X, y = lines(N, 3)
    rare = np.zeros(N)
    rare[[17, 4_000, 11_111]] = 1
    y[[17, 4_000, 11_111]] += [50, 60, 70]
    X = np.column_stack([X, rare])
    fit = agrees(X, y)
    assert np.isclose((y - X @ fit.coef)[[17, 4_000, 11_111]], 0, atol=1e-9).sum() == 1


def test_rows_of_extreme_leverage():
    X, y = lines(N, 4)
    X[[5, 500, 5_000]] *= 1e6
    agrees(X, y)


def test_a_block_of_equal_rows():
    X, y = lines(N, 4)
    X[: N // 2], y[: N // 2] = X[0], y[0]
    agrees(X, y)


def test_few_values_of_y():
    X, _ = lines(N, 4)
    y = np.random.default_rng(1).integers(0, 2, size=N)
    for tau in (0.3, 0.5, 0.7):
        agrees(X, y, quantile=tau)


class InBlocks:
    """A design of another kind: rows in separate arrays, as they would lie on several machines."""

    def __init__(self, X):
        self.blocks = np.array_split(X, 7)
        self.shape = X.shape
        self.depth = X.shape[0]
        self.most_rows = 0

    def dot(self, w):
        return np.concatenate([block @ w for block in self.blocks])

    def _parts(self, a):
        ends = np.cumsum([len(block) for block in self.blocks])
        return zip(self.blocks, np.split(np.asarray(a), ends[:-1]), strict=True)

    def tdot(self, a):
        return sum(part @ block for block, part in self._parts(a))

    def abs_tdot(self, v):
        return sum(part @ np.abs(block) for block, part in self._parts(v))

    def gram(self, q):
        return sum((block.T * part) @ block for block, part in self._parts(q))

    def rows(self, index):
        self.most_rows = max(self.most_rows, len(index))
        return np.asfortranarray(np.concatenate(self.blocks)[index])


def test_another_design_behind_the_same_interface():
    X, y = lines(N, 5)
    design = InBlocks(X)
    problem = Problem(design, y, unit_weights(N), 0.5)
    solution = _reduction.solve_by_reduction(Here(problem))
    assert certify(problem, replace(solution, span=None)).holds  # its sums are deep: all rows
    np.testing.assert_allclose(solution.w, lad.fit(X, y).coef, atol=SAME)
    assert design.most_rows < N / 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_never_copied_whole(order, dtype):
    X, y = lines(200_000, 20)
    X = np.asarray(X, dtype=dtype, order=order)
    lad.fit(X[:2_000], y[:2_000])
    tracemalloc.start()
    try:
        lad.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000 * 20 * 8


@pytest.mark.parametrize("seed", range(6))
def test_leverage_that_sends_a_newton_step_astray(seed):
    rng = np.random.default_rng(seed)
    X, y = lines(N, 5, seed=seed)
    y += rng.standard_t(3, size=N)
    X[rng.choice(N, 20, replace=False)] *= 1e6
    agrees(X, y)


def test_weights_of_many_sizes():
    X, y = lines(N, 5)
    agrees(X, y, sample_weight=np.exp(4 * np.random.default_rng(0).normal(size=N)))


def test_many_groups_of_even_size_are_halved_at_once():
    rng = np.random.default_rng(1)
    group = np.arange(N) % 20
    y = rng.normal(size=N)
    fit = lad.fit(np.eye(20)[group], y)
    medians = [np.median(y[group == g]) for g in range(20)]
    np.testing.assert_allclose(fit.coef, medians, atol=1e-10)
    assert fit.unique is False


def test_columns_that_no_sample_sees():
    y = np.random.default_rng(0).normal(size=N)
    zeros = lad.fit(np.zeros((N, 2)), y)
    assert zeros.relative_gap <= 1e-9
    assert not zeros.coef.any()
    X = np.zeros((N, 2))
    X[[5, 77, 9_000], 0], X[[6, 78, 9_001], 1] = 1, 2
    fit = agrees(X, y)
    middles = [np.median(y[[5, 77, 9_000]]), np.median(y[[6, 78, 9_001]]) / 2]
    np.testing.assert_allclose(fit.coef, middles, atol=1e-12)


@pytest.mark.parametrize(
    ("share", "sign", "expected"),
    [
        (0.3, 1, None),  # at the wall that the sign says
        (0.3, -1, 0.3),  # at the other
        (-0.7, -1, None),
        (0.3, 0, 0.3),  # rows that were fitted are at no wall
        (0.1, 1, 0.1),
        (0.4, 0, 0.3),
        (-0.9, 0, -0.7),
    ],
)
def test_a_pool_is_at_the_wall_of_its_sign_or_none(share, sign, expected):
    assert off_the_wall(share, sign, 0.3) == expected
