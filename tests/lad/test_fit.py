"""hwlib.lad.fit by its certificate, and against linear programs written out here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from tests.lad.data import HARD, LAWS, lines

from hwlib import lad

CERTIFIED = 1e-9  # what hwlib promises
# HiGHS stops at reduced costs of 1e-7 in the scale of the data; its vertices are far better.
REFERENCE = 1e-9
SOLVERS = ("auto", "interior-point", "highs")
LARGE = 20_000  # beyond the size where "auto" leaves rows out


def loss(X, y, w, tau=0.5, v=1.0):
    r = np.asarray(y, dtype=float) - np.asarray(X, dtype=float) @ w
    return float((v * np.maximum(tau * r, (tau - 1) * r)).sum())


def primal_optimum(X, y, tau=0.5, v=None):
    """The primal program with two variables per row, through HiGHS; none of hwlib in it."""
    n, d = X.shape
    v = np.ones(n) if v is None else v
    unit = sparse.csc_array(sparse.eye(n))
    done = linprog(
        np.concatenate([np.zeros(d), v * tau, v * (1 - tau)]),
        A_eq=sparse.hstack([sparse.csc_array(X), unit, -unit], format="csc"),
        b_eq=y,
        bounds=[(None, None)] * d + [(0, None)] * (2 * n),
    )
    return loss(X, y, done.x[:d], tau, v)


def check(X, y, fit):
    """The promises that hold for every fit."""
    tau = fit.quantile
    v = np.ones(len(y)) if fit.sample_weight is None else fit.sample_weight
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    assert fit.relative_gap <= CERTIFIED
    assert fit.gap >= 0
    assert ((v * (tau - 1) <= fit.dual) & (fit.dual <= v * tau)).all()
    reach = v @ np.abs(X)
    # Near-collinear columns let Xᵀa be as small as rounding only with more digits than this.
    assert (np.abs(X.T @ fit.dual) <= 1e-12 * reach).all()
    scale = (v * np.abs(y)).sum() + reach @ np.abs(fit.coef)
    assert abs(loss(X, y, fit.coef, tau, v) - fit.objective) <= 1e-13 * scale
    assert abs(fit.objective - y @ fit.dual) <= 1e-9 * fit.objective + 1e-12 * scale
    proof = lad.verify(X, y, fit)
    assert proof.holds
    assert proof.objective == pytest.approx(fit.objective, rel=1e-12, abs=1e-13 * scale)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", HARD)
def test_hard_inputs_are_certified(name, solver):
    X, y = HARD[name]()
    for tau in (0.5, 0.9):
        check(X, y, lad.fit(X, y, quantile=tau, solver=solver))


@pytest.mark.parametrize("tau", [0.01, 0.25, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("law", LAWS)
def test_it_reaches_the_optimum_of_the_primal_program(law, tau):
    X, y = lines(500, 4, law, seed=3)
    optimum = primal_optimum(X, y, tau)
    for solver in SOLVERS:
        fit = lad.fit(X, y, quantile=tau, solver=solver)
        check(X, y, fit)
        assert fit.objective <= optimum * (1 + REFERENCE)
        assert fit.objective - fit.gap <= optimum


@pytest.mark.parametrize("tau", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("law", LAWS)
def test_many_rows_agree_with_the_interior_point_on_all(law, tau):
    X, y = lines(LARGE, 5, law, seed=4)
    fast, slow = (lad.fit(X, y, quantile=tau, solver=s) for s in ("auto", "interior-point"))
    check(X, y, fast)
    assert fast.objective == pytest.approx(slow.objective, rel=CERTIFIED)
    if fast.unique and slow.unique:
        np.testing.assert_allclose(fast.coef, slow.coef, atol=1e-9)


WEIGHTS = {
    "integers": lambda rng, n: rng.integers(0, 4, size=n),
    "a few rows have it all": lambda rng, n: rng.lognormal(sigma=4, size=n),
    "half are zero": lambda rng, n: rng.uniform(size=n) * (rng.uniform(size=n) > 0.5),
    "tiny": lambda rng, n: 1e-12 * rng.uniform(size=n),
}


@pytest.mark.parametrize("n", [400, LARGE])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights(kind, n):
    X, y = lines(n, 3, "cauchy", seed=5)
    v = WEIGHTS[kind](np.random.default_rng(6), n).astype(float)
    fit = lad.fit(X, y, quantile=0.3, sample_weight=v)
    check(X, y, fit)
    assert fit.sample_weight is not None
    assert not fit.dual[v == 0].any()
    if n < LARGE and kind != "tiny":
        assert fit.objective <= primal_optimum(X, y, 0.3, v) * (1 + REFERENCE)


def test_cvxpy_is_polished_to_the_same_optimum():
    X, y = lines(200, 3, "cauchy")
    fit, other = lad.fit(X, y), lad.fit(X, y, solver="cvxpy")
    check(X, y, other)
    np.testing.assert_allclose(other.coef, fit.coef, rtol=1e-9)


@pytest.mark.parametrize("n", [300, LARGE])
@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X.astype(">f8"),
        lambda X: X.tolist(),
    ],
    ids=["fortran", "every other row", "every other column", "big-endian", "lists"],
)
def test_the_form_of_the_data_does_not_matter(convert, n):
    X, y = lines(n, 3)
    expected = lad.fit(X, y)
    found = lad.fit(convert(X), y)
    np.testing.assert_allclose(found.coef, expected.coef, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32, np.uint8, bool])
def test_other_dtypes_are_taken_for_their_values(dtype):
    X, y = lines(300, 3)
    X = (10 * np.abs(X)).astype(dtype)
    check(X, y, lad.fit(X, y))
    check(X, np.round(y).astype(int), lad.fit(X, np.round(y).astype(int)))


@pytest.mark.parametrize("n", [300, LARGE])
def test_the_callers_arrays_are_never_changed(n):
    X, y = lines(n, 3)
    v = np.random.default_rng(0).uniform(size=n)
    before = [array.copy() for array in (X, y, v)]
    for array in (X, y, v):
        array.setflags(write=False)
    lad.fit(X, y, sample_weight=v)
    for array, copy in zip((X, y, v), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_same_data_give_the_same_bits():
    X, y = lines(LARGE, 5)
    one, other = lad.fit(X, y), lad.fit(X.copy(), y.copy())
    assert one.coef.tobytes() == other.coef.tobytes()
    assert one.dual.tobytes() == other.dual.tobytes()


def test_a_fit_is_frozen_and_says_what_it_holds():
    fit = lad.fit(*lines())
    with pytest.raises(AttributeError):
        fit.gap = 0
    assert "dual" not in repr(fit)
    assert (fit.solver, fit.quantile, fit.sample_weight) == ("auto", 0.5, None)


def test_what_cannot_be_certified_warns_with_the_gap():
    rng = np.random.default_rng(1)
    X, y = lines(60, 3)
    X = np.column_stack([X, X[:, 1] + 2e-13 * rng.normal(size=60)])
    with pytest.warns(lad.NotCertifiedWarning, match="nearly depend"):
        fit = lad.fit(X, y)
    assert fit.relative_gap > CERTIFIED
    assert fit.unique is None


def test_a_lever_does_not_pass_off_small_noise_as_an_exact_fit():
    for seed in range(10):
        X, y = lines(40, 3, seed=seed)
        X[0] *= 1e6
        y = X.sum(axis=1) + 1e-8 * y
        fit, reference = lad.fit(X, y), lad.fit(X, y, solver="highs")
        assert fit.relative_gap <= CERTIFIED
        assert fit.objective - reference.objective <= max(fit.gap, reference.gap)
        assert fit.n_iter > 0


def test_columns_of_zeros_alone():
    fit = lad.fit(np.zeros((4, 2)), [2.0, 0.0, -1.0, 0.0])
    assert fit.objective == 1.5
    assert fit.relative_gap <= CERTIFIED
    assert not fit.coef.any()
    assert fit.unique is False


def test_a_column_that_was_dropped_but_matters_is_not_certified():
    steps = np.random.default_rng(0).integers(-4, 5, size=40).astype(float)
    X = np.column_stack([np.ones(40), 1 + steps * 2.0**-46])
    with pytest.warns(lad.NotCertifiedWarning):
        fit = lad.fit(X, steps)
    assert fit.gap >= fit.objective


def test_the_weights_of_a_fit_are_its_own():
    X, y = lines()
    v = np.ones(300)
    fit = lad.fit(X, y, sample_weight=v)
    assert not np.shares_memory(fit.sample_weight, v)


@pytest.mark.parametrize("far", [0, 100, 1000])
def test_an_exact_fit_is_known_without_a_step(far):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.integers(-9, 10, size=(200, 4)).astype(float)
        X[:, 0], X[:, 1] = 1, X[:, 1] + far
        w = rng.integers(1, 9, size=4)
        fit = lad.fit(X, X @ w)
        assert fit.n_iter == 0
        np.testing.assert_allclose(fit.coef, w, rtol=1e-10)


def test_cvxpy_does_not_ask_highs_of_scipy(monkeypatch):
    def refused(*_):
        raise AssertionError

    monkeypatch.setattr("hwlib.lad._reference.solve_with_highs", refused)
    X, y = lines(50, 3)
    np.testing.assert_allclose(lad.fit(X, y, solver="cvxpy").coef, lad.fit(X, y).coef, atol=1e-9)
