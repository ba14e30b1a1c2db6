"""Rows in the chunks of Dask: the same fit, in few passes, with little coming back."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lad.chunks import SAME, N, cuts, da, in_chunks
from tests.lad.data import HARD, LAWS, lines

from hwlib import lad
from hwlib.lad import _dask, _pools, _there
from hwlib.lad._design import DenseDesign
from hwlib.lad._problem import Problem

dask = pytest.importorskip("dask")
key_split = pytest.importorskip("dask.utils").key_split

PASSES = {"lad-look", "lad-survey", "lad-finish", "lad-total"}

# Of columns that nearly depend on one another the bound fixes the loss, not each coefficient.
LOOSE = 1e-6


class Counted:
    """An array that counts how many of its rows are read."""

    ndim = 2

    def __init__(self, X):
        self.X, self.shape, self.dtype, self.rows = X, X.shape, X.dtype, 0

    def __getitem__(self, index):
        part = self.X[index]
        self.rows += len(part)
        return part

    @property
    def reads(self):
        return self.rows / len(self.X)


class Returned(dask.callbacks.Callback):
    """The tasks that ran, and the bytes that the last of each graph gave back."""

    def __init__(self):
        super().__init__()
        self.names, self.largest = [], 0

    def _posttask(self, key, result, _dsk, _state, _worker):
        name = key_split(key)
        if name in PASSES:
            self.names.append(name)
        if name == "lad-total":
            self.largest = max(self.largest, len(pickle.dumps(result)))


def agrees(X, y, *, weights=None, tolerance=SAME, **options):
    """Fit twice; compare the fits, and check the second by the first one's means."""
    here = lad.fit(X, y, sample_weight=weights, **options)
    lazy = in_chunks(X, y) if weights is None else in_chunks(X, y, weights)
    there = lad.fit(*lazy[:2], sample_weight=None if weights is None else lazy[2], **options)
    assert there.relative_gap <= 1e-9
    assert there.unique == here.unique
    scale = 1 + np.abs(here.coef).max()
    np.testing.assert_allclose(there.coef, here.coef, atol=tolerance * scale)
    assert there.objective == pytest.approx(here.objective, rel=1e-9, abs=1e-300)
    given = lad.LADFit(
        there.coef, there.dual.compute(), *([0.0] * 3), 0, "", None, there.quantile, weights
    )
    assert lad.verify(X, y, given).holds
    assert lad.verify(*lazy[:2], there).holds
    return there


@pytest.mark.parametrize("quantile", [0.5, 0.07])
@pytest.mark.parametrize("law", LAWS)
def test_the_same_fit_as_in_memory(law, quantile):
    agrees(*lines(N, 5, law), quantile=quantile)


def test_the_rows_are_read_four_times_and_little_comes_back():
    n, d = 200_000, 5
    X, y = lines(n, d)
    counted = Counted(X)
    with Returned() as returned:
        lad.fit(da.from_array(counted, chunks=(20_000, d)), da.from_array(y, chunks=20_000))
    assert counted.reads == 4
    assert set(returned.names) == PASSES
    # Six numbers of 8 bytes for a row and its company, at most ten rows in a unit.
    assert returned.largest < 10 * np.sqrt(d * n) * (d + 6) * 8 < X.nbytes / 3


@pytest.mark.parametrize("law", ["normal", "integer"])
def test_weights(law):
    X, y = lines(N, 4, law)
    weights = np.random.default_rng(1).integers(0, 4, size=N).astype(float)
    agrees(X, y, weights=weights)


def test_a_weight_of_two_is_two_rows():
    X, y = lines(N, 3)
    weights = np.random.default_rng(2).integers(0, 3, size=N)
    once = lad.fit(*in_chunks(X, y), sample_weight=da.from_array(weights, chunks=4000))
    twice = lad.fit(*in_chunks(np.repeat(X, weights, axis=0), np.repeat(y, weights)))
    np.testing.assert_allclose(once.coef, twice.coef, atol=SAME)


def test_columns_in_chunks_and_targets_in_others():
    X, y = lines(N, 6)
    fit = lad.fit(da.from_array(X, chunks=(7000, 4)), da.from_array(y, chunks=900))
    np.testing.assert_allclose(fit.coef, lad.fit(X, y).coef, atol=SAME)


@pytest.mark.parametrize("which", ["X", "y"])
def test_one_of_the_two_in_memory(which):
    X, y = lines(N, 3)
    lazy = {"X": da.from_array(X, chunks=(7000, 3)), "y": y}
    if which == "y":
        lazy = {"X": X, "y": da.from_array(y, chunks=7000)}
    np.testing.assert_allclose(lad.fit(**lazy).coef, lad.fit(X, y).coef, atol=SAME)


def test_unknown_lengths():
    X, y = lines(2 * N, 4)
    lazy = da.from_array(X, chunks=(9000, 4)), da.from_array(y, chunks=9000)
    chosen = lazy[0][:, 1] > 0
    fit = lad.fit(lazy[0][chosen], lazy[1][chosen])
    mask = X[:, 1] > 0
    np.testing.assert_allclose(fit.coef, lad.fit(X[mask], y[mask]).coef, atol=SAME)
    assert fit.dual.shape == (mask.sum(),)


@pytest.mark.parametrize("which", ["X", "y"])
def test_unknown_lengths_of_one(which):
    X, y = lines(N, 4)
    lazy = {"X": da.from_array(X, chunks=(9000, 4)), "y": da.from_array(y, chunks=9000)}
    lazy[which] = lazy[which][da.from_array(np.full(N, True), chunks=9000)]
    np.testing.assert_allclose(lad.fit(**lazy).coef, lad.fit(X, y).coef, atol=SAME)


def test_unknown_lengths_that_do_not_fit_name_the_chunk():
    X, y = lines(N, 4)
    lazy = da.from_array(X, chunks=(9000, 4)), da.from_array(y, chunks=9000)
    keep = da.from_array(np.arange(N) != 10_000, chunks=9000)
    all_rows = lazy[1][lazy[1] < np.inf]
    with pytest.raises(ValueError, match=r"y has shape \(9000,\), but X has 8999 .* in chunk 1"):
        lad.fit(lazy[0][keep], all_rows)


@pytest.mark.parametrize("dtype", ["f4", "i2", "?"])
def test_any_real_dtype(dtype):
    X, y = lines(N, 4)
    X = np.round(3 * X).astype(dtype) if dtype != "?" else X > 0
    agrees(X, y)


def test_fortran_order():
    X, y = lines(N, 4)
    agrees(np.asfortranarray(X), y)


def test_few_rows_are_fetched():
    X, y = lines(300, 4)
    fit = agrees(X, y)
    assert fit.dual.chunks == (cuts(300, 7),)


@pytest.mark.parametrize("kind", HARD)
def test_hard_problems_that_are_small(kind):
    X, y = HARD[kind]()
    agrees(X, y, tolerance=LOOSE)


# --- the optimum is not a point, or hard to find --------------------------------------------


def groups(n=40_000, count=20):
    return np.eye(count)[np.arange(n) % count]


def test_the_median_of_an_even_number():
    y = np.random.default_rng(3).normal(size=N)
    fit = agrees(np.ones((N, 1)), y)
    assert fit.unique is False
    assert fit.coef[0] == pytest.approx(np.median(y), abs=1e-15)


def test_dummies_behind_a_column_of_ones():
    n = 40_000
    y = np.random.default_rng(4).normal(size=n)
    fit = agrees(np.column_stack([np.ones(n), groups(n)]), y)
    assert fit.unique is False
    assert fit.coef[-1] == 0


def test_a_column_that_is_the_sum_of_two():
    X, y = lines(N, 4)
    fit = agrees(np.column_stack([X, X[:, 0] + X[:, 1]]), y)
    assert fit.coef[-1] == 0


def test_a_column_of_zeros():
    X, y = lines(N, 4)
    X[:, 2] = 0
    assert agrees(X, y).coef[2] == 0


def test_powers():
    t = np.random.default_rng(5).uniform(size=N)
    agrees(t[:, None] ** np.arange(8), lines(N)[1], tolerance=LOOSE)


def test_a_rare_column():
    X, y = lines(N, 4)
    X[:, 2] = np.arange(N) < 3
    agrees(X, y)


def test_rows_far_out():
    X, y = lines(N, 5)
    X[np.random.default_rng(6).choice(N, 20, replace=False)] *= 1e6
    agrees(X, y)


def test_columns_of_zeros_beside_one_that_depends():
    rng = np.random.default_rng(52)
    X = rng.normal(size=(N, 7))
    X[:, 3], X[:, 0] = 0, X[:, 6] + X[:, 1]
    agrees(X, X.sum(axis=1) + rng.standard_t(3, size=N))


TIED = {
    "rounded": lambda X, e: (np.round(X), np.round(X.sum(axis=1) + e)),
    "with a third on one plane": lambda X, e: (X, X.sum(axis=1) + e * (np.arange(len(e)) % 3 > 0)),
    "with zeros": lambda X, e: (X, np.where(e > X[:, 1], np.exp(X[:, 2] + e.clip(-9, 9)), 0)),
    "with far rows": lambda X, e: (X * 10.0 ** (4 * (np.arange(len(e)) % 1000 < 1))[:, None], e),
}


@pytest.mark.parametrize("kind", TIED)
def test_data_with_many_equal_values_stay_where_they_are(monkeypatch, kind):
    monkeypatch.setattr(_dask, "MANY", 0)  # or all rows would be fetched, where all else fails
    rng = np.random.default_rng(0)
    X, e = rng.normal(size=(10 * N, 4)), rng.standard_t(3, size=10 * N)
    agrees(*TIED[kind](X, e))


def test_pools_keep_their_light_rows_when_a_heavy_one_is_taken_out():
    rng, n = np.random.default_rng(1), 40_000
    X = rng.normal(size=(n, 2))
    y = X.sum(axis=1) + rng.standard_t(3, size=n) * (rng.random(n) < 0.6)
    lazy = in_chunks(X, y, np.where(rng.random(n) < 10 / n, 1e20, 1e-3))
    fit = lad.fit(*lazy[:2], sample_weight=lazy[2])
    assert fit.relative_gap <= 1e-9
    assert lad.verify(*lazy[:2], fit).holds


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_is_in_the_same_pool_in_whatever_block_it_lies(order):
    rng = np.random.default_rng(0)
    X = np.array(2e4 + rng.integers(-9, 9, (2000, 7)), order=order)
    w = np.array([1e4, -1e4, 3e3, -3e3, 1 / 3, -1 / 3, 0])
    y = X @ w
    cells = _pools.Cells(_pools.Start(np.zeros(7)), 1.0, (w,))

    def numbers(start, stop):
        part = Problem(DenseDesign(X[start:stop]), y[start:stop], np.ones(stop - start), 0.5)
        return cells.numbers(part, part.y)

    alone = [numbers(row, row + 1) for row in range(2000)]
    np.testing.assert_array_equal(np.concatenate(alone), numbers(0, 2000))


def test_weights_of_eight_orders():
    X, y = lines(N, 4)
    agrees(X, y, weights=10.0 ** np.random.default_rng(7).uniform(-4, 4, size=N))


@pytest.mark.parametrize("y", [np.zeros(N), np.full(N, 3.0), lines(N, 4)[0].sum(axis=1)])
def test_exact_fits(y):
    agrees(lines(N, 4)[0], y)


def test_where_few_rows_do_not_settle_it_all_are_fetched():
    X, y = lines(N, 4)
    X[: N // 2], y[: N // 2] = X[0], y[0]
    agrees(X, y)


def test_and_where_they_are_too_many_it_says_so(monkeypatch):
    X, y = lines(N, 4)
    X[: N // 2], y[: N // 2] = X[0], y[0]
    monkeypatch.setattr(_dask, "MANY", 1000)
    monkeypatch.setattr(_there, "MANY", 1000)
    with pytest.raises(MemoryError, match="of these 30000 rows is not settled"):
        lad.fit(*in_chunks(X, y))


def test_a_warning_where_there_is_no_proof():
    X, y = lines(N, 5)
    X[:, 1] = X[:, 2] + 1e-12 * X[:, 1]
    with pytest.warns(lad.NotCertifiedWarning) as caught:
        lad.fit(*in_chunks(X, y))
    assert caught[0].filename == __file__


@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 6),
    quantile=st.floats(0.02, 0.98),
    decimals=st.sampled_from([0, 1, 12]),
    parts=st.integers(3, 12),
)
def test_any_data_in_any_chunks(seed, d, quantile, decimals, parts):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(21_000, d)).round(decimals), rng.standard_cauchy(21_000).round(decimals)
    lengths = cuts(len(y), parts, seed)
    lazy = da.from_array(X, chunks=(lengths, d)), da.from_array(y, chunks=(lengths,))
    there, here = lad.fit(*lazy, quantile=quantile), lad.fit(X, y, quantile=quantile)
    assert there.relative_gap <= 1e-9
    assert there.unique == here.unique
    np.testing.assert_allclose(there.coef, here.coef, atol=1e-8)


# --- a certificate that is none ---------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["coef", "dual", "outside", "nan"])
def test_a_wrong_pair_is_not_certified(wrong):
    X, y = lines(N, 4)
    lazy = in_chunks(X, y)
    fit = lad.fit(*lazy)
    coef, dual = fit.coef.copy(), fit.dual.compute()
    if wrong == "coef":
        coef[0] += 0.1
    elif wrong == "dual":
        dual[:100] = 0.5
    else:
        dual[7] = {"outside": 0.6, "nan": np.nan}[wrong]
    forged = lad.LADFit(coef, dual, fit.objective, fit.gap, fit.relative_gap, 0, "", True)
    certificate = lad.verify(*lazy, forged)
    assert not certificate.holds
    assert certificate.gap > 0
    if wrong in ("outside", "nan"):
        assert certificate.gap == np.inf


def test_sums_of_chunks_that_cancel_are_as_good_as_a_sum():
    # In twice the precision: e is the difference of large sums, one of each chunk.
    t = 1e3 + np.random.default_rng(8).uniform(size=N)
    X, y = t[:, None] ** np.arange(3), lines(N)[1]
    there = lad.verify(*in_chunks(X, y, parts=30), lad.fit(X, y))
    here = lad.verify(X, y, lad.fit(X, y))
    assert there.holds
    assert there.relative_gap == pytest.approx(here.relative_gap, rel=0.5)


def test_the_progress_bar_counts_the_passes(capsys):
    from dask.diagnostics import ProgressBar

    with ProgressBar(minimum=0, dt=0.01):
        lad.fit(*in_chunks(*lines(N, 4)))
    assert capsys.readouterr().out.count("100% Completed") >= 4


def test_tasks_have_names_that_say_what_they_do():
    names = []
    with dask.callbacks.Callback(pretask=lambda key, *_: names.append(key_split(key))):
        lad.fit(*in_chunks(*lines(N, 4)))
    assert set(names) >= PASSES


def test_fits_within_tasks_do_not_wait_for_one_another():
    def alone(seed):
        return lad.fit(*in_chunks(*lines(N, 3, seed=seed))).coef

    with dask.config.set(scheduler="threads", num_workers=3):
        found = dask.compute(*[dask.delayed(alone)(seed) for seed in range(6)])
    for seed, coef in enumerate(found):
        np.testing.assert_allclose(coef, lad.fit(*lines(N, 3, seed=seed)).coef, atol=SAME)


def test_many_chunks_cost_little_each():
    X, y = lines(N, 3)
    fit = lad.fit(da.from_array(X, chunks=(30, 3)), da.from_array(y, chunks=30))
    np.testing.assert_allclose(fit.coef, lad.fit(X, y).coef, atol=SAME)
