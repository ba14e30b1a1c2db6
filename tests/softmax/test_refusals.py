"""What is refused, and in which words."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from hwlib.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)

ONE = [softmax, log_softmax, jacobian]
PRODUCTS = [jvp, vjp]
LOSSES = [cross_entropy, cross_entropy_gradient]
Z = np.arange(12.0).reshape(3, 4)


def with_others(function, z):
    """Call a function with scores, and with something that fits for the rest."""
    if function in ONE:
        return function(z)
    if function in PRODUCTS:
        return function(z, np.zeros(np.shape(z)))
    return function(z, np.zeros(np.shape(z)[:-1], int))


def spoiled(index, value, array=Z):
    array = np.array(array, float)
    array[index] = value
    return array


@pytest.mark.parametrize("function", ONE + PRODUCTS + LOSSES)
@pytest.mark.parametrize(
    ("z", "words"),
    [
        (spoiled((1, 2), np.nan), r"z\[1, 2\] is nan: scores must be finite, or -inf"),
        (spoiled((2, 0), np.inf), r"z\[2, 0\] is inf"),
        (spoiled(2, -np.inf), r"z\[2, :\] is -inf throughout"),
        ([-np.inf, -np.inf], r"z\[:\] is -inf throughout"),
        ([0.0, np.nan], r"z\[1\] is nan"),
        ([np.inf], r"z\[0\] is inf"),
        ([np.nan], r"z\[0\] is nan"),
        ([-np.inf, np.inf], r"z\[1\] is inf"),
        (spoiled((0, 3, 1), np.nan, np.zeros((2, 4, 3))), r"z\[0, 3, 1\] is nan"),
        (spoiled((1999, 5), np.nan, np.zeros((2000, 10))), r"z\[1999, 5\] is nan"),
        (spoiled((1, 1234), np.inf, np.zeros((3, 5000))), r"z\[1, 1234\] is inf"),
        (1.5, "z is the single number 1.5"),
        ([], r"z is empty: it has shape \(0,\)"),
        (np.zeros((3, 0)), r"z is empty: it has shape \(3, 0\)"),
        (np.zeros((0, 3)), r"z is empty: it has shape \(0, 3\)"),
    ],
)
def test_scores_that_are_refused(function, z, words):
    with pytest.raises(ValueError, match=words):
        with_others(function, z)


@pytest.mark.parametrize("function", ONE + PRODUCTS + LOSSES)
@pytest.mark.parametrize(
    ("z", "words"),
    [
        (["a", "b"], "z must be an array of real numbers, not of dtype <U1: encode"),
        ([None, 1.0], r"dtype object: convert it, with astype\(float\)"),
        ([1j, 0], "dtype complex128: take its real part"),
        (np.zeros(3, "datetime64[s]"), "dtype datetime64"),
        (sparse.csr_array(Z), r"sparse matrix: convert it with z.toarray\(\)"),
        (np.ma.masked_equal(Z, 5), r"masked array: fill it, with z.filled\(-np.inf\)"),
    ],
)
def test_what_is_not_a_number_is_refused(function, z, words):
    with pytest.raises(TypeError, match=words):
        with_others(function, z)


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_the_place_is_that_of_the_axis(function):
    with pytest.raises(ValueError, match=r"z\[:, 1\] is -inf throughout"):
        function(spoiled((slice(None), 1), -np.inf), 0)
    with pytest.raises(ValueError, match=r"z\[1, :, 2\] is -inf throughout"):
        function(spoiled((1, slice(None), 2), -np.inf, np.zeros((2, 3, 4))), axis=1)


@pytest.mark.parametrize(
    ("axis", "error", "words"),
    [
        (2, ValueError, "axis is 2, but z has 2 axes"),
        (-3, ValueError, "axis is -3"),
        (None, TypeError, "axis must be a whole number, not None"),
        (0.0, TypeError, "axis must be a whole number, not 0.0"),
        ((0, 1), TypeError, "axis must be a whole number"),
    ],
)
def test_axes_that_are_refused(axis, error, words):
    for call in (
        lambda: softmax(Z, axis),
        lambda: vjp(Z, Z, axis),
        lambda: cross_entropy(Z, 0, axis),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(
    "temperature", [0, 0.0, -1, np.nan, np.inf, "1", None, True, [1.0], np.ones(2), 1j]
)
@pytest.mark.parametrize("function", ONE + PRODUCTS + LOSSES)
def test_temperatures_that_are_refused(function, temperature):
    second = () if function in ONE else (Z,) if function in PRODUCTS else ([0, 1, 2],)
    with pytest.raises(ValueError, match="temperature must be a positive number, not"):
        function(Z, *second, temperature=temperature)


def test_a_temperature_that_the_type_rounds_away_is_refused():
    with pytest.raises(ValueError, match=r"temperature is 1e-60, which float32 rounds to 0.0"):
        softmax(np.float32([1, 2]), temperature=1e-60)
    with pytest.raises(ValueError, match=r"temperature is 1e\+60, which float16 rounds to inf"):
        log_softmax(np.float16([1, 2]), temperature=1e60)
    for number in (10**400, Fraction(10**400)):
        with pytest.raises(ValueError, match="which float64 rounds to inf"):
            softmax([1.0, 2.0], temperature=number)


def test_a_masked_array_that_masks_nothing_is_an_array():
    z = np.ma.array([1.0, 2.0], mask=[False, False])
    np.testing.assert_array_equal(softmax(z), softmax([1.0, 2.0]))
    with pytest.raises(TypeError, match="target is a masked array"):
        cross_entropy([1.0, 2.0], np.ma.array([0.5, 0.5], mask=[True, False]))
    with pytest.raises(TypeError, match="v is a masked array"):
        jvp([1.0, 2.0], np.ma.array([0.5, 0.5], mask=[True, False]))


@pytest.mark.parametrize(("function", "name"), [(jvp, "v"), (vjp, "u")])
def test_vectors_that_are_refused(function, name):
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=rf"{name}\[2, 1\] is {value}: every entry"):
            function(Z, spoiled((2, 1), value))
        with pytest.raises(ValueError, match=rf"{name}\[0\] is {value}"):
            function([1.0], [value])
        with pytest.raises(ValueError, match=rf"{name}\[1\] is {value}"):
            function([0.0, -np.inf], [0.0, value])
        with pytest.raises(ValueError, match=rf"{name}\[0\] is {value}"):
            function([0.0, -2000.0], [value, 0.0])
    with pytest.raises(ValueError, match=rf"{name} has shape \(4,\), but z has \(3, 4\)"):
        function(Z, np.zeros(4))
    with pytest.raises(TypeError, match=f"{name} must be an array of real numbers"):
        function([1.0], ["a"])


@pytest.mark.parametrize("function", LOSSES)
@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ([0, 4, 1], ValueError, r"target\[1\] is 4: z has 4 classes, 0 to 3"),
        ([0, 1, -1], ValueError, r"target\[2\] is -1: z has 4 classes"),
        ([0, 5, -1], ValueError, r"target\[1\] is 5: z has 4 classes"),
        ([0, 1], ValueError, r"target has shape \(2,\), but z has \(3, 4\): expected \(3,\)"),
        (0, ValueError, r"target has shape \(\)"),
        ([0.0, 1.0, 2.0], TypeError, r"target holds classes in float64: .*astype\(int\)"),
        (["a", "b", "c"], TypeError, "target must be an array of real numbers"),
        (spoiled((1, 2), -0.5, np.full((3, 4), 0.25)), ValueError, r"target\[1, 2\] is -0.5"),
        (spoiled((1, 2), np.nan, np.full((3, 4), 0.25)), ValueError, r"target\[1, 2\] is nan"),
        (spoiled((1, 2), np.inf, np.full((3, 4), 0.25)), ValueError, r"target\[1, 2\] is inf"),
        (spoiled((2, 0), 0.2501, np.full((3, 4), 0.25)), ValueError, r"target\[2, :\] sums to 1.0"),
        (np.ones((3, 4), int), ValueError, r"target\[0, :\] sums to 4.0"),
        (np.full((3, 4), 1e308), ValueError, r"target\[0, :\] sums to inf"),
        (np.zeros((3, 4)), ValueError, r"target\[0, :\] sums to 0.0"),
    ],
)
def test_targets_that_are_refused(function, target, error, words):
    with pytest.raises(error, match=words):
        function(Z, target)


@pytest.mark.parametrize("function", LOSSES)
def test_a_single_class_out_of_range_is_named(function):
    with pytest.raises(ValueError, match="target is 7: z has 4 classes"):
        function(Z[0], 7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("n", [3, 10, 100])
def test_probabilities_that_were_rounded_are_taken(dtype, n):
    t = softmax(np.random.default_rng(n).normal(size=(50, n)).astype(dtype))
    cross_entropy(np.zeros((50, n)), t)
    if dtype == np.float32:
        cross_entropy(np.zeros((50, n)), t.astype(np.float64))
