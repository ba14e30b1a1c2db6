"""What must hold of any scores, and certificates that need no reference."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.softmax.data import few, modest, vectors

from hwlib.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)

ROUNDOFF = 2.0**-53
doubles = vectors(dtypes=(np.float64,))


def slack(n):
    """What sums of n probabilities are off by, at most."""
    return (n + 40 + 8 * np.log(n)) * ROUNDOFF


@modest
@given(doubles)
def test_probabilities_are_probabilities(z):
    y = softmax(z)
    assert ((y >= 0) & (y <= 1)).all()
    assert abs(y.sum() - 1) <= len(z) * slack(len(z))
    assert (y[np.isneginf(z)] == 0).all()
    order = np.argsort(z, kind="stable")
    assert (np.diff(y[order]) >= 0).all()


@modest
@given(doubles, st.integers(-40, 40))
def test_shifting_by_a_power_of_two_that_is_exact_changes_nothing(z, power):
    shift = 2.0**power
    moved = z + shift
    exact = (moved - shift == z) | np.isneginf(z)
    if exact.all() and (moved[~np.isneginf(z)] - shift == z[~np.isneginf(z)]).all():
        np.testing.assert_allclose(softmax(moved), softmax(z), rtol=1e-12, atol=1e-300)


@modest
@given(doubles)
def test_doubling_the_scores_is_halving_the_temperature(z):
    if np.abs(z[np.isfinite(z)]).max() < 1e307:
        np.testing.assert_array_equal(softmax(2 * z), softmax(z, temperature=0.5))


@modest
@given(doubles, st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(z, random):
    order = list(range(len(z)))
    random.shuffle(order)
    np.testing.assert_allclose(softmax(z[order]), softmax(z)[order], rtol=1e-13, atol=0)
    np.testing.assert_allclose(log_softmax(z[order]), log_softmax(z)[order], rtol=1e-12, atol=0)


@few
@given(doubles)
def test_the_jacobian_is_a_covariance(z):
    J = jacobian(z)
    n = len(z)
    np.testing.assert_array_equal(J, J.T)
    assert np.abs(J.sum(axis=1)).max() <= n * slack(n)
    values = np.linalg.eigvalsh(J)
    assert values.min() >= -n * slack(n)
    assert values.max() <= 0.5 + n * slack(n)


@few
@given(doubles, st.integers(0, 2**32))
def test_products_are_those_with_the_matrix(z, seed):
    v = np.random.default_rng(seed).normal(size=z.shape)
    J, allowed = jacobian(z), 8 * len(z) * slack(len(z)) * np.abs(v).max()
    np.testing.assert_allclose(jvp(z, v), J @ v, rtol=0, atol=allowed)
    np.testing.assert_allclose(vjp(z, v), v @ J, rtol=0, atol=allowed)


@few
@given(doubles)
def test_a_vector_as_large_as_numbers_get_does_not_overflow(z):
    largest = np.finfo(np.float64).max
    signs = np.where(np.arange(len(z)) % 2, -1.0, 1.0)
    found = vjp(z, largest * signs)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found / largest, vjp(z, signs), rtol=1e-12, atol=8 * slack(len(z)))
    assert np.isfinite(jvp(z, np.full(len(z), largest))).all()


@modest
@given(doubles, st.data())
def test_the_loss_is_the_expected_surprise(z, data):
    target = data.draw(st.integers(0, len(z) - 1))
    one_hot = np.eye(len(z))[target]
    assert cross_entropy(z, target) == cross_entropy(z, one_hot)
    assert cross_entropy(z, target) == -log_softmax(z)[target]


@few
@given(doubles)
def test_the_gradient_is_0_at_the_target_itself(z):
    y = softmax(z)
    found = cross_entropy_gradient(z, y)
    assert np.abs(found).max() <= len(z) * slack(len(z))


def test_a_loss_that_is_in_range_is_found_although_its_logarithm_is_not():
    z = [1.7e308, -1.7e308]
    assert log_softmax(z)[1] == -np.inf
    assert cross_entropy(z, 1) == np.inf
    np.testing.assert_allclose(cross_entropy(z, [0.5, 0.5]), 1.7e308, rtol=1e-15)
    np.testing.assert_allclose(log_softmax(z, temperature=4)[1], -0.85e308, rtol=1e-15)
    np.testing.assert_allclose(cross_entropy(z, 1, temperature=4), 0.85e308, rtol=1e-15)


def test_a_mask_costs_nothing_where_nothing_is_expected():
    z = [0.0, -np.inf, 0.0]
    np.testing.assert_allclose(cross_entropy(z, [0.5, 0.0, 0.5]), np.log(2))
    np.testing.assert_allclose(cross_entropy_gradient(z, [0.5, 0.0, 0.5]), [0, 0, 0], atol=1e-16)
    assert cross_entropy(z, [0.5, 0.25, 0.25]) == np.inf
    np.testing.assert_array_equal(cross_entropy_gradient(z, 1), [0.5, -1.0, 0.5])


def test_a_certain_prediction_costs_0_and_not_minus_0():
    assert not np.signbit(cross_entropy([3.0], 0))
    assert not np.signbit(cross_entropy([0.0, -np.inf], [1.0, 0.0]))
