"""Gradients against autograd, finite differences and exact cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.backprop import reference

from hwlib.backprop import Network, _layer, gradient_check

# Of what the sums would be if no term cancelled; measured near 1e-15.
FLOAT64 = 1e-12
# Sums of at most a few dozen float32 products, through five layers.
FLOAT32 = 2e-5
activations = st.sampled_from(["relu", "sigmoid", "tanh"])


@st.composite
def problems(draw):
    """A network with all parameters drawn, rows and labels for it."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=6))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    network = Network(
        sizes, draw(activations), draw(st.sampled_from(["he", "homework"])), dtype=dtype
    )
    spread = draw(st.sampled_from([0.1, 1.0, 3.0]))
    network.weights = [W * dtype(spread) for W in network.weights]
    network.biases = [rng.normal(size=b.shape).astype(dtype) for b in network.biases]
    n = draw(st.integers(1, 40))
    X = rng.normal(size=(n, sizes[0])) * draw(st.sampled_from([0.01, 1.0, 10.0]))
    return network, X.astype(dtype), rng.integers(sizes[-1], size=n)


def assert_near(gradients, expected, network, X, tolerance):
    """Gradients are sums that cancel: they are measured against the sums of sizes."""
    sizes, largest, _ = reference.magnitudes(network, X)
    for found, wanted, size in zip(gradients, expected, sizes, strict=True):
        for g, t, s in zip(found, wanted, size, strict=True):
            assert g.shape == t.shape
            assert np.abs(g - t).max() <= tolerance * max(1, largest) * s.max()


def off_the_kinks(network, X, tolerance):
    """Beyond a kink the gradient is another one: no rounding may lead there."""
    _, largest, nearest = reference.magnitudes(network, X)
    return network.activation != "relu" or nearest > tolerance * largest


@given(problems())
def test_gradients_agree_with_autograd(problem):
    network, X, y = problem
    before = reference.copies(network)
    loss, gradients = network.loss_and_gradients(X, y)
    expected_loss, expected = reference.loss_and_gradients(network, X, y)
    tolerance = FLOAT64 if network.dtype == np.float64 else FLOAT32
    assume(off_the_kinks(network, X, tolerance))
    assert {g.dtype for pair in gradients for g in pair} == {network.dtype}
    assert abs(loss - expected_loss) <= tolerance * max(1, expected_loss)
    assert_near(gradients, expected, network, X, tolerance)
    assert reference.same_bits(before, network)


@given(problems())
def test_in_float32_the_gradients_are_those_of_float64_but_for_the_rounding(problem):
    network, X, y = problem
    narrow = Network(network.sizes, network.activation, dtype=np.float32)
    wide = Network(network.sizes, network.activation)
    for other in (narrow, wide):
        other.weights = [W.astype(np.float32).astype(other.dtype) for W in network.weights]
        other.biases = [b.astype(np.float32).astype(other.dtype) for b in network.biases]
    X = X.astype(np.float32)
    assume(off_the_kinks(wide, X, FLOAT32))
    found, expected = (n.loss_and_gradients(X, y)[1] for n in (narrow, wide))
    assert_near(found, expected, wide, X, FLOAT32)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_homework_network_agrees_with_autograd(activation, dtype):
    rng = np.random.default_rng(3)
    network = Network((784, 32, 32, 10), activation, "homework", seed=1, dtype=dtype)
    X, y = rng.random((64, 784)), rng.integers(10, size=64)
    _, gradients = network.loss_and_gradients(X.astype(dtype), y)
    _, expected = reference.loss_and_gradients(network, X.astype(dtype), y)
    assert_near(gradients, expected, network, X, FLOAT64 if dtype is np.float64 else FLOAT32)


def test_of_equal_scores_the_loss_is_the_logarithm_of_the_classes():
    network = Network((4, 5))
    network.weights[0][:] = 0
    X, y = np.ones((10, 4)), np.repeat(np.arange(5), 2)
    loss, [(dW, db)] = network.loss_and_gradients(X, y)
    assert abs(loss - np.log(5)) < 1e-15
    np.testing.assert_allclose(db, 0, atol=1e-16)  # 1/5 for each class, as wanted
    np.testing.assert_allclose(dW, 0, atol=1e-16)


def test_scores_of_any_size_neither_overflow_nor_lose_the_gradient():
    network = Network((1, 3))
    network.weights[0][:] = [[1e300, 0, -1e300]]
    loss, [(dW, db)] = network.loss_and_gradients(np.ones((1, 1)), [2])
    assert loss == 2e300
    np.testing.assert_array_equal(db, [1, 0, -1])
    np.testing.assert_array_equal(dW, [[1, 0, -1]])


def test_a_unit_at_the_kink_passes_nothing_on():
    network = Network((2, 3, 2))
    loss, [(dW, db), _] = network.loss_and_gradients(np.zeros((4, 2)), [0, 1, 0, 1])
    assert not dW.any()
    assert not db.any()
    assert loss == np.log(2)


def test_gradients_are_the_callers_to_keep():
    X, y = reference.clusters()
    network = Network((6, 5, 3))
    first = network.loss_and_gradients(X, y)[1]
    kept = [g.copy() for pair in first for g in pair]
    network.loss_and_gradients(X[:50], y[:50])
    network.fit(X, y)
    assert all(
        np.array_equal(g, k) for g, k in zip((g for p in first for g in p), kept, strict=True)
    )


def with_biases(network):
    """With biases of 0, a row that switches off a whole layer puts the next one on its kinks."""
    rng = np.random.default_rng(0)
    network.biases = [rng.normal(size=b.shape) for b in network.biases]
    return network


class TestGradientCheck:
    @pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
    def test_right_gradients_pass(self, activation):
        X, y = reference.clusters(20)
        network = with_biases(Network((6, 5, 4, 3), activation))
        before = reference.copies(network)
        check = gradient_check(network, X, y)
        assert check.largest < 2e-6
        assert [(W.shape, b.shape) for W, b in check.relative_errors] == [
            ((6, 5), (5,)),
            ((5, 4), (4,)),
            ((4, 3), (3,)),
        ]
        kind, layer, index = check.place
        errors = check.relative_errors[layer][("weights", "biases").index(kind)]
        assert errors[index] == check.largest
        assert reference.same_bits(before, network)

    def test_float32_is_judged_by_differences_in_float64(self):
        X, y = reference.clusters(20)
        check = gradient_check(Network((6, 5, 3), "tanh", dtype=np.float32), X, y)
        assert 1e-9 < check.largest < 2e-3

    @pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
    def test_a_missing_derivative_is_found_below_the_last_layer(self, monkeypatch, activation):
        X, y = reference.clusters(20)
        monkeypatch.setattr(_layer.ACTIVATIONS[activation], "backward", lambda *_: None)
        check = gradient_check(with_biases(Network((6, 5, 4, 3), activation)), X, y)
        assert check.largest > 0.1
        assert check.place[1] < 2
        assert max(errors.max() for errors in check.relative_errors[2]) < 2e-6

    def test_at_a_kink_the_two_rightly_differ(self):
        network = Network((1, 1, 2))
        check = gradient_check(network, np.zeros((1, 1)), [0])
        assert check.place == ("biases", 0, (0,))  # 0 against half the slope of the right side
        assert check.largest == 1.0

    def test_where_nothing_depends_on_a_parameter_the_error_is_zero(self):
        network = Network((2, 3, 2))
        network.biases[0][:] = -100  # every ReLU is off
        check = gradient_check(network, np.ones((4, 2)), [0, 1, 0, 0])
        assert not check.relative_errors[0][0].any()
        assert check.largest < 2e-6
