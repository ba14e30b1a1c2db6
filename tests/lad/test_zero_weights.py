"""A row of weight 0 is as good as absent: for the fit, its proof and the memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad

SOLVERS = ("auto", "interior-point", "highs", "cvxpy")
SAME = 1e-10  # two ways to the same vertex of a well-conditioned problem


def halved(n=200, seed=0):
    X, y = lines(n, 3, "cauchy", seed)
    return X, y, np.random.default_rng(seed).integers(0, 2, size=n).astype(float)


@pytest.mark.parametrize("solver", SOLVERS)
def test_it_is_the_fit_of_the_other_rows(solver):
    X, y, v = halved()
    fit = lad.fit(X, y, sample_weight=v, solver=solver)
    without = lad.fit(X[v > 0], y[v > 0], solver=solver)
    np.testing.assert_allclose(fit.coef, without.coef, atol=SAME)
    np.testing.assert_allclose(fit.dual[v > 0], without.dual, atol=SAME)
    assert not fit.dual[v == 0].any()


def test_verify_agrees_however_far_out_such_a_row_lies():
    X, y, v = halved()
    X[v == 0] *= 1e9
    fit = lad.fit(X, y, sample_weight=v)
    assert fit.relative_gap <= 1e-9
    assert lad.verify(X, y, fit).holds


def test_verify_agrees_where_such_rows_alone_tell_columns_apart():
    X, y, v = halved()
    X[v > 0, 2] = X[v > 0, 1]
    fit = lad.fit(X, y, sample_weight=v)
    assert fit.relative_gap <= 1e-9
    assert lad.verify(X, y, fit).holds


def test_one_such_row_does_not_copy_x_whole():
    n, d = 200_000, 20
    X, y = lines(n, d)
    v = np.ones(n)
    v[17] = 0
    lad.fit(X[:2_000], y[:2_000], sample_weight=v[:2_000])
    tracemalloc.start()
    try:
        lad.fit(X, y, sample_weight=v)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes
