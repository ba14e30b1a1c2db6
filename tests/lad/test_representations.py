"""However rows come in, the fit is the same: types, layouts, files, chunks, the estimator."""

from __future__ import annotations

import tempfile
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lad.test_certificate import exactly
from tests.lad.test_properties import assert_same, fitted, integers, problems

from hwlib import lad
from hwlib.lad import LADRegressor

SAME = 1e-9  # as in test_properties
LAYOUTS = {
    "Fortran": np.asfortranarray,
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "read-only": lambda X: np.broadcast_to(X, X.shape),
    "int8": lambda X: X.astype(np.int8),
    "float16": lambda X: X.astype(np.float16),
    "float32": lambda X: X.astype(np.float32),
    "foreign bytes": lambda X: X.astype(X.dtype.newbyteorder()),
    "longdouble": lambda X: X.astype(np.longdouble),
}


@given(problems(), st.sampled_from(sorted(LAYOUTS)))
def test_type_and_layout_do_not_matter(problem, layout):
    X, y, v, tau = problem
    fit, view = fitted(X, y, v, tau), LAYOUTS[layout]
    other = fitted(view(X), view(y[:, None])[:, 0], view(v[:, None])[:, 0], tau)
    assert_same(other, fit.coef, fit.objective, fit.unique)


@given(problems())
def test_a_memory_map_gives_the_same_bits(problem):
    X, y, v, tau = problem
    fit = fitted(np.ascontiguousarray(X), y, v, tau)
    with tempfile.NamedTemporaryFile() as file:
        stored = np.memmap(file, np.float64, "w+", shape=X.shape)
        stored[:] = X
        other = fitted(stored, y, v, tau)
    np.testing.assert_array_equal(other.coef, fit.coef)
    np.testing.assert_array_equal(other.dual, fit.dual)
    assert (other.gap, other.unique) == (fit.gap, fit.unique)


@st.composite
def chunked(draw):
    """A problem, and the same in chunks: of one row, of several, with none."""
    da = pytest.importorskip("dask.array")
    pytest.importorskip("dask").config.set(scheduler="synchronous")
    X, y, v, tau = draw(problems())
    cuts = draw(st.lists(st.integers(0, len(y)), max_size=3))
    edges = [0, *sorted(cuts), len(y)]
    lengths = tuple(int(n) for n in np.diff(edges) if n) or (len(y),)
    lazy = (
        da.from_array(X, chunks=(lengths, X.shape[1])),
        da.from_array(y, chunks=(lengths,)),
        da.from_array(v, chunks=(lengths,)),
    )
    return (X, y, v, tau), lazy


@given(chunked())
def test_chunks_do_not_matter(pair):
    (X, y, v, tau), lazy = pair
    fit, there = fitted(X, y, v, tau), fitted(*lazy, tau)
    assert_same(there, fit.coef, fit.objective, fit.unique)
    proof = lad.verify(*lazy[:2], there)
    assert proof.holds
    assert abs(proof.objective - fit.objective) <= SAME * (1 + fit.objective)


@given(chunked())
def test_the_estimator_does_the_same_in_chunks(pair):
    (X, y, v, tau), lazy = pair
    here = LADRegressor(quantile=tau).fit(X, y, v)
    there = LADRegressor(quantile=tau).fit(*lazy)
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=SAME, atol=SAME)
    predicted = here.predict(X)
    np.testing.assert_allclose(there.predict(lazy[0]).compute(), predicted, rtol=SAME, atol=SAME)
    if len(set(y)) > 1:
        score = here.score(X, y, v)
        assert there.score(*lazy) == pytest.approx(score, rel=SAME, abs=SAME)


@given(problems(), st.booleans(), st.lists(integers, min_size=4, max_size=4))
def test_the_estimator_is_the_fit_behind_a_column_of_ones(problem, intercept, row):
    X, y, v, tau = problem
    model = LADRegressor(quantile=tau, fit_intercept=intercept).fit(X, y, v)
    design = np.column_stack([np.ones(len(y)), X]) if intercept else X
    fit = fitted(design, y, v, tau)
    np.testing.assert_allclose(
        [*([model.intercept_] if intercept else []), *model.coef_], fit.coef, rtol=SAME, atol=SAME
    )
    assert model.gap_ <= SAME * model.objective_ or model.lad_fit_.relative_gap <= SAME
    x = np.array(row[: X.shape[1]])
    found = model.predict(x[None])[0]
    wanted = sum(
        (a * b for a, b in zip(exactly(x)[0], exactly(model.coef_)[0], strict=True)),
        Fraction(model.intercept_),
    )
    size = np.abs(x) @ np.abs(model.coef_) + abs(model.intercept_)
    assert abs(Fraction(float(found)) - wanted) <= Fraction((len(x) + 2) * 2.0**-53 * size)


@given(problems())
def test_r_squared_is_its_definition(problem):
    """1 − Σ v(y − ŷ)² / Σ v(y − ȳ)², and at most 1."""
    X, y, v, tau = problem
    if len(set(y)) == 1:
        return
    model = LADRegressor(quantile=tau).fit(X, y, v)
    left = (v * (y - model.predict(X)) ** 2).sum()
    whole = (v * (y - np.average(y, weights=v)) ** 2).sum()
    found = model.score(X, y, v)
    assert found <= 1
    # Deviations from the mean cancel: their squares are at least a share of 1/n² of the largest.
    assert found == pytest.approx(1 - left / whole, rel=1e-11, abs=1e-11 * (1 + left / whole))
