"""Networks, their gradients and their training: what calculus says of them, on any weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.backprop import reference

from hwlib import softmax
from hwlib.backprop import Network, gradient_check

# Four layers of at most eight terms each, entries of a few units: a few hundred roundings.
ROUNDINGS = 2**9
activations = st.sampled_from(["relu", "sigmoid", "tanh"])
dtypes = st.sampled_from([np.float64, np.float32])


@st.composite
def problems(draw, activation=activations, dtype=dtypes):
    """A network with eighths for weights, rows of eighths, and labels."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    network = Network(sizes, draw(activation), dtype=draw(dtype))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([1, 4, 16]))
    network.weights = [rng.integers(-size, size + 1, W.shape) / 8 for W in network.weights]
    network.biases = [rng.integers(-size, size + 1, b.shape) / 8 for b in network.biases]
    n = draw(st.integers(1, 8))
    X = rng.integers(-size, size + 1, (n, sizes[0])) / 8
    return network, X, rng.integers(sizes[-1], size=n)


def flat(gradients):
    return np.concatenate([g.ravel() for pair in gradients for g in pair]).astype(np.float64)


def close(network, found, wanted):
    """Within some roundings of the largest entry."""
    unit = float(np.finfo(network.dtype).eps)
    size = 1 + max(np.abs(wanted).max(initial=0), np.abs(found).max(initial=0))
    sizes = [np.abs(W).sum(axis=0).max() for W in network.weights]
    signal = np.prod([max(1.0, s) for s in sizes])
    return np.abs(found - wanted).max(initial=0) <= ROUNDINGS * unit * size * signal


@given(problems())
def test_chain_rule(problem):
    """Back-propagation is the product of Jacobians that autograd multiplies in float64."""
    network, X, y = problem
    loss, gradients = network.loss_and_gradients(X, y)
    wanted, autograd = reference.loss_and_gradients(network, X, y)
    assert close(network, np.array([loss]), np.array([wanted]))
    assert close(network, flat(gradients), flat(autograd))


@given(problems(st.sampled_from(["sigmoid", "tanh"]), st.just(np.float64)))
def test_gradients_are_limits_of_central_differences(problem):
    """Without kinks, up to the O(h²) of the differences and their rounding of 2⁻⁵³/h."""
    network, X, y = problem
    _, gradients = network.loss_and_gradients(X, y)
    check = gradient_check(network, X, y)
    scale = np.abs(flat(gradients)).max()
    for pair, errors in zip(gradients, check.relative_errors, strict=True):
        for g, relative in zip(pair, errors, strict=True):
            # |g − d| = relative · max(|g|, |d|, …), and |d| ≤ |g| / (1 − relative).
            size = np.maximum(np.abs(g), 1e-4 * scale) / np.maximum(1 - relative, 1e-3)
            assert (relative * size <= 2e-7 * (1 + scale)).all()
    assert check.largest == max(e.max() for pair in check.relative_errors for e in pair)


@given(problems())
def test_the_gradient_of_a_mean_is_the_mean_of_the_gradients(problem):
    network, X, y = problem
    loss, gradients = network.loss_and_gradients(X, y)
    alone = [network.loss_and_gradients(X[[i]], y[[i]]) for i in range(len(X))]
    assert close(network, np.array([loss]), np.mean([[one] for one, _ in alone], axis=0))
    assert close(network, flat(gradients), np.mean([flat(g) for _, g in alone], axis=0))


@given(problems(), st.integers(2, 4))
def test_repeated_rows_change_no_mean(problem, times):
    network, X, y = problem
    loss, gradients = network.loss_and_gradients(X, y)
    again, repeated = network.loss_and_gradients(np.tile(X, (times, 1)), np.tile(y, times))
    assert close(network, np.array([again]), np.array([loss]))
    assert close(network, flat(repeated), flat(gradients))


@given(problems())
def test_the_last_gradient_is_predicted_minus_wanted(problem):
    """∂C̄/∂b of the last layer is the mean of p − [k = y], which sums to 0."""
    network, X, y = problem
    _, gradients = network.loss_and_gradients(X, y)
    p = network.predict_proba(X)
    wanted = (p - np.eye(network.sizes[-1])[y]).mean(axis=0)
    assert close(network, gradients[-1][1], wanted)
    assert abs(gradients[-1][1].sum()) <= ROUNDINGS * np.finfo(network.dtype).eps


@given(problems(st.just("relu"), st.just(np.float64)))
def test_eulers_identity_for_relu_networks(problem):
    """⟨W_ℓ, ∂C/∂W_ℓ⟩ is the same for each layer of a network without biases.

    Each is the derivative of the loss when all scores grow at the same rate.
    """
    network, X, y = problem
    network.biases = [0 * b for b in network.biases]
    _, gradients = network.loss_and_gradients(X, y)
    products = [
        float((W * dW).sum()) for W, (dW, _) in zip(network.weights, gradients, strict=True)
    ]
    scores = network.forward(X)
    gradient = softmax.cross_entropy_gradient(scores, y)
    rate = float((scores * gradient).sum(axis=1).mean())
    assert close(network, np.array(products), np.full(len(products), rate))


@given(problems(st.just("relu"), st.just(np.float64)), st.integers(-20, 20))
def test_relu_networks_are_positively_homogeneous(problem, power):
    """Powers of two pass through without rounding."""
    network, X, _ = problem
    network.biases = [0 * b for b in network.biases]
    scale = 2.0**power
    np.testing.assert_array_equal(network.forward(scale * X), scale * network.forward(X))


@given(problems(), st.randoms(use_true_random=False))
def test_hidden_units_may_be_permuted(problem, random):
    network, X, y = problem
    loss, _ = network.loss_and_gradients(X, y)
    for layer in range(len(network.sizes) - 2):
        order = list(range(network.sizes[layer + 1]))
        random.shuffle(order)
        network.weights[layer] = network.weights[layer][:, order]
        network.biases[layer] = network.biases[layer][order]
        network.weights[layer + 1] = network.weights[layer + 1][order]
    again, _ = network.loss_and_gradients(X, y)
    assert close(network, np.array([again]), np.array([loss]))


@given(problems())
def test_probabilities_loss_and_accuracy_belong_to_the_scores(problem):
    network, X, y = problem
    scores = network.forward(X)
    p = network.predict_proba(X)
    np.testing.assert_allclose(p, softmax.softmax(scores.astype(np.float64)), rtol=0, atol=2e-14)
    assert (np.abs(p.sum(axis=1) - 1) <= 4 * len(p[0]) * 2.0**-53).all()
    loss, _ = network.loss_and_gradients(X, y)
    assert close(network, np.array([loss]), np.array([softmax.cross_entropy(scores, y).mean()]))
    assert network.score(X, y) == np.mean(scores.argmax(axis=1) == y)


@given(problems(), st.sampled_from(["F", "reversed", "strided", "int", "read-only"]))
def test_the_layout_of_the_rows_does_not_matter(problem, layout):
    network, X, y = problem
    X = np.rint(X) if layout == "int" else X
    other = {
        "F": lambda: np.asfortranarray(X),
        "reversed": lambda: X[::-1].copy()[::-1],
        "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
        "int": lambda: X.astype(np.int8),
        "read-only": lambda: np.broadcast_to(X, X.shape),
    }[layout]()
    np.testing.assert_array_equal(network.forward(other), network.forward(X))
    one, two = network.loss_and_gradients(other, y), network.loss_and_gradients(X, y)
    assert one[0] == two[0]
    np.testing.assert_array_equal(flat(one[1]), flat(two[1]))


@given(problems(), st.integers(1, 4), st.sampled_from([0.0, 0.5, 0.875]), st.booleans())
def test_descent_is_its_recursion(problem, size, momentum, shuffle):
    """v ← μv + g, w ← w − ηv, batch after batch, from gradients found one by one."""
    network, X, y = problem
    size, rate, epochs = min(size, len(X)), 2.0**-6, 2
    other = Network(network.sizes, network.activation, dtype=np.float64)
    other.weights = [np.array(W, np.float64) for W in network.weights]
    other.biases = [np.array(b, np.float64) for b in network.biases]
    history = network.fit(
        X,
        y,
        epochs=epochs,
        batch_size=size,
        learning_rate=rate,
        momentum=momentum,
        shuffle=shuffle,
        seed=3,
    )
    order, velocity, losses = np.random.default_rng(3), 0.0, []
    for _ in range(epochs):
        rows = order.permutation(len(X)) if shuffle else np.arange(len(X))
        for start in range(0, len(X), size):
            batch = rows[start : start + size]
            loss, gradients = other.loss_and_gradients(X[batch], y[batch])
            losses.append(loss)
            velocity = momentum * velocity + flat(gradients)
            at = 0
            for W, b in zip(other.weights, other.biases, strict=True):
                for p in (W, b):
                    p -= rate * velocity[at : at + p.size].reshape(p.shape)
                    at += p.size
    assert history.loss.shape == (epochs, -(-len(X) // size))
    if network.activation == "relu" and network.dtype == np.float32:
        return  # a rounding may carry a unit across its kink
    assert close(network, history.loss.ravel(), np.array(losses))
    pairs = zip(network.weights, network.biases, strict=True)
    wanted = flat(zip(other.weights, other.biases, strict=True))
    assert close(network, flat(pairs), wanted)


@given(problems(st.sampled_from(["sigmoid", "tanh"]), st.just(np.float64)))
def test_a_small_step_descends_by_the_square_of_the_gradient(problem):
    """C(w − ηg) = C(w) − η‖g‖² + O(η²): a step of all rows at a small rate."""
    network, X, y = problem
    loss, gradients = network.loss_and_gradients(X, y)
    square = float((flat(gradients) ** 2).sum())
    rate = 2.0**-20
    network.fit(X, y, batch_size=len(X), learning_rate=rate)
    after, _ = network.loss_and_gradients(X, y)
    rounding = ROUNDINGS * 2.0**-53 * (1 + loss)
    # Second derivatives along g: a few thousand at weights of up to 2 in three layers.
    assert abs(after - (loss - rate * square)) <= rate**2 * 2**14 * (square + square**2) + rounding


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=4),
    st.integers(0, 2**32),
    st.sampled_from(["he", "homework"]),
)
def test_a_seed_determines_the_weights_up_to_rounding(sizes, seed, init):
    wide, narrow = (Network(sizes, init=init, seed=seed, dtype=t) for t in (float, np.float32))
    for one, other, shape in zip(wide.weights, narrow.weights, pairwise(sizes), strict=True):
        assert one.shape == shape
        np.testing.assert_array_equal(one.astype(np.float32), other)
        deviation = np.sqrt(2 / shape[0] if init == "he" else 1 / max(shape))
        assert np.abs(one).max() <= 8 * deviation  # beyond 8 deviations: once in 10¹⁵ draws
    assert all((b == 0).all() for b in wide.biases)
