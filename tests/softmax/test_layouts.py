"""Shapes, axes and memory layouts: each vector of an array gives what it gives alone."""

from __future__ import annotations

import math
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.softmax.data import DTYPES, vectors

from hwlib import softmax as module
from hwlib.softmax import (
    _blocks,
    _probabilities,
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)

# The order of summation differs with the layout: by some log n roundings of each sum.
SAME = {"rtol": 1e-13, "atol": 1e-15}
SHAPES = [
    (3, 4),
    (40, 3),
    (5, 7, 3),
    (700, 10),
    (10, 700),
    (300, 50),
    (70, 70),
    (3, 2000),
    (2000, 3),
    (900, 600),
    (2, 70_000),
    (70_000, 2),
    (4, 30, 40),
    (3, 500, 20),
    (2, 3, 4, 5),
    (1, 9000, 1),
]


def alone(function, *arrays, axis):
    """Apply a function to each vector along an axis by itself."""
    rows = [np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]) for a in arrays]
    shape = np.moveaxis(arrays[0], axis, -1).shape
    values = np.stack([function(*row) for row in zip(*rows, strict=True)])
    return np.moveaxis(values.reshape(shape), -1, axis)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1, 30])
def test_along_every_axis_each_vector_is_treated_alone(shape, scale):
    rng = np.random.default_rng(0)
    z, v = scale * rng.normal(size=shape), rng.normal(size=shape)
    z[rng.random(shape) < 0.05] = -50 * scale
    for axis in range(-z.ndim, 0):
        if z.size // shape[axis] > 3000:
            continue
        t = softmax(v, axis)
        for function in (softmax, log_softmax):
            np.testing.assert_allclose(function(z, axis), alone(function, z, axis=axis), **SAME)
        for function, second in ((jvp, v), (vjp, v), (cross_entropy_gradient, t)):
            np.testing.assert_allclose(
                function(z, second, axis), alone(function, z, second, axis=axis), **SAME
            )
        np.testing.assert_allclose(
            np.expand_dims(cross_entropy(z, t, axis), axis),
            alone(lambda a, b: np.full(a.shape, cross_entropy(a, b)), z, t, axis=axis).take(
                [0], axis=axis
            ),
            **SAME,
        )


@pytest.mark.parametrize("shape", [*SHAPES, (10, 6000), (700, 700)], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_a_probability_near_1_leaves_is_accurate_in_every_layout(shape, order):
    rng = np.random.default_rng(3)
    for axis in range(-len(shape), 0):
        n = shape[axis]
        z, u = rng.uniform(-3, 0, size=shape), 1e3 * rng.normal(size=shape) + 1e4
        peak = rng.integers(n, size=np.delete(shape, axis))
        top = np.zeros(shape, bool)
        np.put_along_axis(top, np.expand_dims(peak, axis), True, axis)
        z[top] += rng.uniform(30, 90, size=peak.size)
        # By the formulas of the chapter, with the largest entry left out of every sum.
        e = np.exp(z - z.max(axis, keepdims=True))
        rest = np.where(top, 0, e).sum(axis, keepdims=True)
        y = e / (1 + rest)
        w = u - np.where(top, u, 0).sum(axis, keepdims=True)
        mean = np.where(top, 0, y * w).sum(axis, keepdims=True)
        missing = rest / (1 + rest)
        size = np.where(top, missing, y) * np.abs(u).max()  # of what J and u may add up to
        z, u = np.array(z, order=order), np.array(u, order=order)
        for product in (jvp, vjp):
            assert (np.abs(product(z, u, axis) - y * (w - mean)) <= 1e-13 * size).all()
        logs = log_softmax(z, axis)
        np.testing.assert_allclose(logs[top], np.broadcast_to(-np.log1p(rest), shape)[top], 1e-12)
        gradient = cross_entropy_gradient(z, peak, axis)
        np.testing.assert_allclose(gradient, np.where(top, -missing, y), 1e-12)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("n", [1_000, 100_000])
def test_a_long_vector_is_a_row_of_one(function, n):
    z = np.random.default_rng(n).normal(size=n)
    np.testing.assert_allclose(function(z), function(z[None])[0], **SAME)


def test_many_short_vectors_and_long_columns():
    rng = np.random.default_rng(1)
    for shape, axis in (((50_000, 10), -1), ((10, 50_000), 0), ((40_000, 20), 0)):
        z = rng.normal(size=shape)
        e = np.exp(z)
        y = e / e.sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(softmax(z, axis), y, **SAME)
        np.testing.assert_allclose(log_softmax(z, axis), np.log(y), **SAME)
        np.testing.assert_allclose(
            vjp(z, z, axis), y * (z - (y * z).sum(axis, keepdims=True)), rtol=1e-10, atol=1e-15
        )


def test_ties_at_the_largest_score():
    for shape in ((5, 4), (300, 50), (3000, 4), (50, 3000)):
        z = np.full(shape, 7.0)
        for axis in (0, 1):
            n = shape[axis]
            np.testing.assert_allclose(softmax(z, axis), 1 / n, **SAME)
            np.testing.assert_allclose(log_softmax(z, axis), -np.log(n), **SAME)
            np.testing.assert_allclose(vjp(z, z, axis), 0, atol=1e-14)


VIEWS = {
    "Fortran": lambda a: np.asfortranarray(a),
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "every second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "foreign bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": lambda a: _locked(a),
}


def _locked(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("shape", [(6, 5), (90, 70), (3000, 8), (8, 3000)], ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_any_memory_layout_will_do(shape, view):
    z = np.random.default_rng(2).normal(size=shape)
    other = VIEWS[view](z)
    for axis in (0, 1):
        for function in (softmax, log_softmax):
            np.testing.assert_allclose(function(other, axis), function(z, axis), **SAME)
        for function in (jvp, vjp):
            np.testing.assert_allclose(function(other, z, axis), function(z, z, axis), **SAME)
            np.testing.assert_allclose(function(z, other, axis), function(z, z, axis), **SAME)
    np.testing.assert_allclose(jacobian(other[:50]), jacobian(z[:50]), **SAME)


def test_a_broadcast_array_will_do():
    z = np.broadcast_to(np.arange(5.0), (200, 5))
    np.testing.assert_array_equal(softmax(z), np.broadcast_to(softmax(z[0]), z.shape))


def calls(z, v, target):
    """Every public function once, by name."""
    return {
        "softmax": lambda: softmax(z),
        "log_softmax": lambda: log_softmax(z),
        "jacobian": lambda: jacobian(z),
        "jvp": lambda: jvp(z, v),
        "vjp": lambda: vjp(z, v),
        "cross_entropy": lambda: cross_entropy(z, target),
        "cross_entropy_gradient": lambda: cross_entropy_gradient(z, target),
    }


def test_every_public_function_is_called_here():
    z = np.zeros(3)
    assert set(calls(z, z, 0)) == set(module.__all__)


@given(vectors(), st.sampled_from(["warn", "raise"]), st.data())
def test_arguments_stay_as_they_are_and_numpy_is_silent(z, setting, data):
    v = np.resize(data.draw(vectors(masks=False, dtypes=(z.dtype.type,))), z.shape)
    t = np.full(len(z), 1 / len(z), np.float64).astype(z.dtype)
    before = z.copy(), v.copy(), t.copy()
    with np.errstate(all=setting), warnings.catch_warnings():
        warnings.simplefilter("error")
        for target in (len(z) - 1, t):
            for call in calls(z, v, target).values():
                call()
    for array, copy in zip((z, v, t), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("product", [jvp, vjp])
def test_numpy_is_silent_where_a_vector_is_scaled_down(product, dtype):
    limits = np.finfo(dtype)
    v = np.array([limits.max, *[-limits.max] * 4, limits.smallest_subnormal])
    with np.errstate(all="raise"):
        assert np.isfinite(product(np.zeros(6, dtype), v)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_type_stays_and_the_common_one_is_taken(dtype):
    z = np.array([[0.0, 1.0], [2.0, 0.5]], dtype)
    for name, call in calls(z, z, [0, 1]).items():
        assert call().dtype == dtype, name
    for name, call in calls(z, [[1, 2], [3, 4]], [[True, False], [False, True]]).items():
        assert call().dtype == dtype, name
    wide = z.astype(np.longdouble)
    for function in (jvp, vjp):
        assert function(z, wide).dtype == np.longdouble
    assert cross_entropy(z, softmax(wide)).dtype == np.longdouble


def test_settings_of_numpy_are_left_alone():
    z = np.zeros((100, 2000))
    with np.errstate(over="raise"):
        before = np.geterr(), np.getbufsize()
        softmax(z)
        with pytest.raises(ValueError, match="z is empty"):
            softmax(z[:0])
        with pytest.raises(ValueError, match="nan"):
            softmax(z + np.nan)
        assert (np.geterr(), np.getbufsize()) == before


def test_settings_of_numpy_are_those_of_the_thread():
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    found = {}

    def call(name, setting, waiting):
        np.seterr(over=setting)
        _probabilities.evaluated(waiting, -1, 1.0, np.dtype(float), (np.zeros(2),))
        found[name] = np.geterr()["over"]

    def first(*_):
        first_is_in.set()
        second_is_in.wait(30)

    def second(*_):
        second_is_in.set()
        first_is_out.wait(30)

    one = threading.Thread(target=call, args=("first", "raise", first))
    one.start()
    first_is_in.wait(30)
    two = threading.Thread(target=call, args=("second", "print", second))
    two.start()
    one.join()
    first_is_out.set()
    two.join()
    assert found == {"first": "raise", "second": "print"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 10, 127, 128, 129, 257, 1000, 4099, 200_000])
def test_no_sum_adds_many_terms_one_by_one(n, dtype):
    rng = np.random.default_rng(n)
    u = np.finfo(dtype).eps / 2
    for m in (1, 3, 40):
        terms = rng.exponential(size=(n, m)).astype(dtype)
        exact = [math.fsum(column.tolist()) for column in terms.T]
        allowed = (150 + 8 * np.log(n)) * u
        found = _blocks.summed(terms, -2)
        assert found.shape == (1, m)
        np.testing.assert_allclose(found[0], exact, rtol=allowed)
        found = _blocks.summed(np.ascontiguousarray(terms.T), -1)
        assert found.shape == (m, 1)
        np.testing.assert_allclose(found[:, 0], exact, rtol=allowed)
        twice = _blocks.summed(np.stack([terms, terms]), -2)
        np.testing.assert_allclose(twice[:, 0], [exact, exact], rtol=allowed)
    assert _blocks.summed(terms[:, 0].copy(), -1) == pytest.approx(exact[0], rel=allowed)


def test_pieces_cover_an_array_once():
    for shape in ((), (7,), (3, 5), (2, 3, 4), (40, 1, 3)):
        for most in (1, 2, 5, 12, 1000):
            count = np.zeros(shape, int)
            for piece in _blocks.pieces(shape, most):
                assert count[piece].size <= most
                count[piece] += 1
            assert (count == 1).all()


@pytest.mark.parametrize("most", [1, 6, 7, 20, 35, 104, 105])
def test_pieces_hold_each_entry_once_and_at_most_so_many(most):
    counts = np.zeros((3, 5, 7), dtype=int)
    for piece in _blocks.pieces(counts.shape, most):
        assert counts[piece].size <= most
        counts[piece] += 1
    assert (counts == 1).all()
