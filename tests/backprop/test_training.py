"""Descent: step by step as torch takes it, without leaving memory behind."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.backprop import reference

from hwlib.backprop import Network

# A few hundred steps in float64: measured below 1e-13.
FOLLOWS = 1e-11
X, y = reference.clusters()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 200])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_it_takes_the_steps_that_torch_takes(momentum, batch_size, activation):
    network = Network((6, 8, 5, 3), activation, seed=4)
    batches = reference.in_batches(200, batch_size) * 2
    options = {"learning_rate": 0.05, "momentum": momentum}
    losses, layers = reference.trained(network, X, y, batches, **options)
    history = network.fit(X, y, epochs=2, batch_size=batch_size, shuffle=False, **options)
    assert history.loss.shape == (2, len(batches) // 2)
    np.testing.assert_allclose(history.loss.ravel(), losses, rtol=FOLLOWS, atol=FOLLOWS)
    for W, b, (V, c) in zip(network.weights, network.biases, layers, strict=True):
        np.testing.assert_allclose(W, V, rtol=FOLLOWS, atol=FOLLOWS)
        np.testing.assert_allclose(b, c, rtol=FOLLOWS, atol=FOLLOWS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [1, 16, 60])
def test_a_step_is_the_gradient_times_the_learning_rate(dtype, batch_size):
    network = Network((6, 7, 3), "tanh", dtype=dtype)
    before = [(W.copy(), b.copy()) for W, b in zip(network.weights, network.biases, strict=True)]
    rows = slice(0, batch_size)
    loss, gradients = network.loss_and_gradients(X[rows], y[rows])
    history = network.fit(X[rows], y[rows], batch_size=batch_size, learning_rate=0.5, shuffle=False)
    assert history.loss[0, 0] == loss
    few = 8 * np.finfo(dtype).eps
    for (W, b), (dW, db), V, c in zip(
        before, gradients, network.weights, network.biases, strict=True
    ):
        np.testing.assert_allclose(V, W - dtype(0.5) * dW, rtol=few, atol=few)
        np.testing.assert_allclose(c, b - dtype(0.5) * db, rtol=few, atol=few)


def test_every_epoch_sees_every_row_once_in_an_order_of_its_own():
    network = Network((1, 2))
    rows = np.arange(10.0)[:, None]
    labels = np.arange(10) % 2
    # With a learning rate that moves nothing, the loss of a row names it.
    history = network.fit(rows, labels, epochs=2, batch_size=1, learning_rate=1e-300)
    first, second = history.loss
    plain = network.fit(rows, labels, batch_size=1, learning_rate=1e-300, shuffle=False).loss[0]
    assert len(set(plain)) == 10
    assert sorted(first) == sorted(second) == sorted(plain)
    assert len({tuple(first), tuple(second), tuple(plain)}) == 3


def test_a_seed_fixes_every_bit_and_another_seed_another_order():
    def trained(seed):
        network = Network((6, 5, 3), seed=1, dtype=np.float32)
        network.fit(X, y, epochs=2, momentum=0.5, seed=seed)
        return network

    one = trained(3)
    assert reference.same_bits(reference.copies(one), trained(3))
    assert not reference.same_bits(reference.copies(one), trained(4))


def test_the_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    Network((6, 5, 3)).fit(X, y)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("options", [{"batch_size": 1}, {}, {"momentum": 0.9}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_it_learns_to_tell_clusters_apart(activation, dtype, options):
    network = Network((6, 16, 8, 3), activation, dtype=dtype)
    history = network.fit(X[:150], y[:150], epochs=60, learning_rate=0.1, **options)
    assert history.loss[-1].mean() < min(0.2, 0.5 * history.loss[0].mean())
    assert network.score(X[150:], y[150:]) > 0.95


def test_without_a_batch_size_it_is_64_or_what_there_is():
    assert Network((6, 3)).fit(X, y).loss.shape == (1, 4)
    assert Network((6, 3)).fit(X[:50], y[:50]).loss.shape == (1, 1)


def test_two_sizes_are_logistic_regression():
    network = Network((6, 3))
    network.fit(X, y, epochs=100, learning_rate=0.3)
    assert network.score(X, y) > 0.95


def test_inputs_and_labels_are_left_alone():
    inputs, labels = X.copy(), y.copy()
    inputs.setflags(write=False)
    labels.setflags(write=False)
    Network((6, 5, 3)).fit(inputs, labels, epochs=2, momentum=0.9)
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(labels, y)


def test_any_layout_and_dtype_of_the_same_numbers_is_the_same():
    whole = np.rint(4 * X)  # exact as int8 and as float32
    results = []
    for form in (whole, np.asfortranarray(whole), whole[::-1][::-1], whole.astype(np.int8)):
        network = Network((6, 5, 3), dtype=np.float32)
        network.fit(form, y.astype(np.uint8), batch_size=32)
        results.append(network)
    first = reference.copies(results[0])
    assert all(reference.same_bits(first, other) for other in results[1:])


@pytest.mark.parametrize("batch_size", [1, 100])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_more_steps_take_no_more_memory(batch_size, momentum):
    network = Network((40, 300, 5), dtype=np.float32)
    inputs = np.random.default_rng(0).random((1000, 40), dtype=np.float32)
    labels = np.arange(1000) % 5

    def peak(rows):
        tracemalloc.start()
        network.fit(inputs[:rows], labels[:rows], batch_size=batch_size, momentum=momentum)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)  # what Python keeps for its own use from the first call on
    # The order and the losses grow with the rows; a weight matrix is 48,000 bytes.
    assert peak(1000) - peak(100) < 24_000


def test_the_arrays_of_before_keep_their_numbers():
    network = Network((6, 5, 3))
    held, values = network.weights[0], network.weights[0].copy()
    network.fit(X, y)
    np.testing.assert_array_equal(held, values)
    assert not np.array_equal(network.weights[0], values)


def test_weights_of_ones_own_are_trained():
    network = Network((6, 5, 3), dtype=np.float32)
    own = [np.asfortranarray(np.full(W.shape, 0.1)) for W in network.weights]  # float64, F-order
    own[0][:, ::2] *= -1
    network.weights = own
    network.biases[1] = np.array([0, 0, 1])
    network.fit(X, y, batch_size=len(X), learning_rate=0.1)
    assert {W.dtype for W in network.weights} == {np.dtype(np.float32)}
    assert own[0][0, 0] == -0.1
    assert np.abs(network.weights[0] - own[0]).max() < 0.1
