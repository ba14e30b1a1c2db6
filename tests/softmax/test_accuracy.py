"""Every function against 50 digits, within bounds that follow from the unit roundoff."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.softmax.data import inner, temperatures, vectors
from tests.softmax.reference import Reference, assert_close, exact, least, roundoff

from hwlib.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)


@given(vectors(), temperatures())
def test_softmax(z, temperature):
    found, wanted = softmax(z, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    off = [p * o if p else 0 for p, o in zip(wanted.y, wanted.off, strict=True)]
    assert_close(found, wanted.y, off, inner(z.dtype), stored=z.dtype)


@given(vectors(), temperatures())
def test_log_softmax(z, temperature):
    found, wanted = log_softmax(z, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    assert (found <= 0).all()
    masked = np.isneginf(z)
    assert np.isneginf(found[masked]).all()
    kept = np.flatnonzero(~masked)
    slack = wanted.log_slack()
    assert_close(
        found[kept],
        [wanted.logs[i] for i in kept],
        [slack[i] for i in kept],
        inner(z.dtype),
        stored=z.dtype,
    )


@given(vectors(most=5), temperatures())
def test_jacobian(z, temperature):
    found, wanted = jacobian(z, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    np.testing.assert_array_equal(found, found.T)
    for i, (row, off) in enumerate(zip(wanted.jacobian(), wanted.entries_off(), strict=True)):
        row = [value / temperature for value in row]
        slack = [abs(value) * (units + 3) for value, units in zip(row, off, strict=True)]
        tiny = 3 * least(inner(z.dtype)) / temperature
        slack = [allowed + tiny / roundoff(inner(z.dtype)) for allowed in slack]
        assert_close(found[i], row, slack, inner(z.dtype), stored=z.dtype)


@given(vectors(), st.data(), temperatures(), st.sampled_from([jvp, vjp]))
def test_products(z, data, temperature, product):
    v = data.draw(vectors(most=8, masks=False, dtypes=(z.dtype.type,)))
    v = np.resize(v, z.shape)
    found, wanted = product(z, v, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    values, slack = wanted.products(v)
    dtype = inner(z.dtype)
    # A probability that underflows loses up to a least positive number, times the vector.
    tiny = least(dtype) * (len(z) + 1) ** 2
    lost = tiny * (1 + max(abs(exact(value)) for value in v)) / roundoff(dtype)
    assert_close(
        found,
        [value / temperature for value in values],
        [
            (allowed + lost) / temperature + 3 * abs(value)
            for allowed, value in zip(slack, values, strict=True)
        ],
        dtype,
        stored=z.dtype,
    )


@given(vectors(), st.data(), temperatures())
def test_cross_entropy_of_a_class(z, data, temperature):
    target = data.draw(st.integers(0, len(z) - 1))
    found, wanted = cross_entropy(z, target, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    assert found >= 0
    if np.isneginf(z[target]):
        assert found == np.inf
    else:
        loss, slack = -wanted.logs[target], wanted.log_slack()[target]
        assert_close([found], [loss], [slack], inner(z.dtype), stored=z.dtype)


@given(vectors(dtypes=(np.float32, np.float64)), st.data(), temperatures())
def test_cross_entropy_of_probabilities(z, data, temperature):
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(z), max_size=len(z)))
    weights[data.draw(st.integers(0, len(z) - 1))] += 1
    target = np.array(weights, z.dtype) / sum(weights)
    found, wanted = cross_entropy(z, target, temperature=temperature), Reference.of(z, temperature)
    assert found.dtype == z.dtype
    used = np.flatnonzero(target)
    if np.isneginf(z[used]).any():
        assert found == np.inf
        return
    share, slack = [exact(t) for t in target], wanted.log_slack()
    loss = mpmath.fsum(-share[i] * wanted.logs[i] for i in used)
    allowed = mpmath.fsum(share[i] * (slack[i] + 40 * abs(wanted.logs[i])) for i in used)
    assert_close([found], [loss], [allowed], z.dtype)


@given(vectors(), st.data(), temperatures())
def test_cross_entropy_gradient(z, data, temperature):
    target = data.draw(st.integers(0, len(z) - 1))
    found, wanted = (
        cross_entropy_gradient(z, target, temperature=temperature),
        Reference.of(z, temperature),
    )
    assert found.dtype == z.dtype
    one_hot = np.eye(len(z), dtype=z.dtype)[target]
    np.testing.assert_array_equal(
        found, cross_entropy_gradient(z, one_hot, temperature=temperature)
    )
    values, slack, tiny = [], [], least(inner(z.dtype)) * len(z)
    finite = [0 if mpmath.isinf(o) else o for o in wanted.off]
    off = [p * o for p, o in zip(wanted.y, finite, strict=True)]
    for i, p in enumerate(wanted.y):
        value = -wanted.rest[i] if i == target else p
        others = mpmath.fsum(off[:i] + off[i + 1 :])
        # Where y is at most 1/2 its own error counts, elsewhere that of all others.
        allowed = (off[i] if p <= 0.5 else others) + (8 * mpmath.log(len(z)) + 40) * abs(value)
        values.append(value / temperature)
        slack.append((allowed + tiny / roundoff(inner(z.dtype))) / temperature)
    assert_close(found, values, slack, inner(z.dtype), stored=z.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_what_is_left_of_a_saturated_softmax_is_accurate(dtype):
    gap = dtype(80)
    z, small = np.array([gap, 0], dtype), np.exp(-gap)
    close = {"rtol": 200 * roundoff(dtype)}
    np.testing.assert_allclose(log_softmax(z)[0], -small, **close)
    np.testing.assert_allclose(jacobian(z), small * np.array([[1, -1], [-1, 1]], dtype), **close)
    np.testing.assert_allclose(vjp(z, dtype([1, 0])), small * dtype([1, -1]), **close)
    np.testing.assert_allclose(cross_entropy(z, 0), small, **close)
    np.testing.assert_allclose(cross_entropy_gradient(z, 0), small * dtype([-1, 1]), **close)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_sum_of_many_small_ones_does_not_stall(axis):
    n = 2**24 + 2**22  # in float32, adding 1 to 2**24 changes nothing
    z = np.zeros((n, 2) if axis == 0 else (2, n), np.float32)
    y = softmax(z, axis)
    np.testing.assert_allclose(y, 1 / n, rtol=40 * 2.0**-24)
