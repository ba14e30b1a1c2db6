"""Networks in torch: counts, probabilities, loss, training steps and schedules, on any sizes."""

from __future__ import annotations

import dataclasses
import tempfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.mlp.data import forward, gradients, same_bits, weights_of

from hwlib import mlp, softmax
from hwlib.mlp._optimizers import RISE, Steps

# Sums of at most 16 products in float32, through three layers.
FLOAT32 = 2.0**-24 * 2**7
sizes_of_networks = st.lists(st.integers(1, 8), min_size=2, max_size=4)


@st.composite
def problems(draw):
    """A network, pictures of grey levels, labels."""
    sizes = draw(sizes_of_networks)
    network = mlp.build(sizes, seed=draw(st.integers(0, 2**31)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(1, 8))
    images = rng.integers(0, 256, size=(n, sizes[0]), dtype=np.uint8)
    return network, images, rng.integers(sizes[-1], size=n)


@given(sizes_of_networks, st.integers(0, 2**31))
def test_parameters_are_counted_and_bounded(sizes, seed):
    network = mlp.build(sizes, seed=seed)
    pairs = list(pairwise(sizes))
    assert mlp.parameter_count(network) == sum((i + 1) * o for i, o in pairs)
    for (n_in, _), (W, b) in zip(pairs, weights_of(network), strict=True):
        assert max(np.abs(W).max(), np.abs(b).max()) <= n_in**-0.5 * (1 + 2.0**-23)
    assert same_bits(network, mlp.build(sizes, seed=seed))


@given(problems())
def test_probabilities_are_the_softmax_of_the_network(problem):
    network, images, _ = problem
    p = mlp.predict_proba(network, images)
    wanted = forward(weights_of(network), images / 255)[-1]
    np.testing.assert_allclose(p, wanted, rtol=0, atol=FLOAT32 * 4)
    assert (np.abs(p.sum(axis=1) - 1) <= 4 * p.shape[1] * 2.0**-53).all()
    np.testing.assert_array_equal(mlp.predict(network, images), p.argmax(axis=1))


@given(problems(), st.sampled_from(["float32", "int64", "F", "reversed", "three axes"]))
def test_grey_levels_are_the_same_in_every_type_and_layout(problem, kind):
    network, images, _ = problem
    other = {
        "float32": lambda: images.astype(np.float32) / np.float32(255),
        "int64": lambda: images.astype(np.int64),
        "F": lambda: np.asfortranarray(images),
        "reversed": lambda: images[:, ::-1].copy()[:, ::-1],
        "three axes": lambda: images[:, None, :],
    }[kind]()
    np.testing.assert_array_equal(
        mlp.predict_proba(network, other), mlp.predict_proba(network, images)
    )


@given(problems(), st.integers(2, 3))
def test_loss_and_accuracy_are_means(problem, times):
    """Of the cross-entropy and of hits: of single pictures, and unchanged by repeated ones."""
    network, images, labels = problem
    loss, accuracy = mlp.evaluate(network, images, labels)
    logs = np.log(mlp.predict_proba(network, images))
    rounding = 64 * 2.0**-53 * (1 + np.abs(logs).max())
    assert abs(loss + logs[np.arange(len(labels)), labels].mean()) <= rounding
    assert abs(loss - softmax.cross_entropy(logs, labels).mean()) <= rounding
    assert accuracy == np.mean(mlp.predict(network, images) == labels)
    again = mlp.evaluate(network, np.tile(images, (times, 1)), np.tile(labels, times))
    assert again == pytest.approx((loss, accuracy), rel=0, abs=FLOAT32)


@given(problems(), st.sampled_from([0.0, 0.5]))
def test_two_steps_of_training_are_those_of_gradient_descent(problem, momentum):
    """v ← μv + g, w ← w − ηv, with the gradients of back-propagation in NumPy."""
    network, images, labels = problem
    rate, epochs = 2.0**-4, 2
    wanted = weights_of(network)
    data = SimpleNamespace(
        train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )
    X = images / 255
    # A unit within rounding of its kink may rightly count as on or off.
    safe = all((np.abs(a[a != 0]) > 1e-4).all() for a in forward(wanted, X)[1:-1])
    recipe = mlp.Recipe(
        epochs=epochs, batch_size=len(images), learning_rate=rate, momentum=momentum
    )
    history = mlp.train(network, data, recipe, device="cpu", progress=False)
    losses, velocity = [], [(0.0, 0.0)] * len(wanted)
    for _ in range(epochs):
        p = forward(wanted, X)[-1]
        losses.append(-np.log(p[np.arange(len(labels)), labels]).mean())
        velocity = [
            (momentum * vW + dW, momentum * vb + db)
            for (vW, vb), (dW, db) in zip(velocity, gradients(wanted, X, labels), strict=True)
        ]
        wanted = [
            (W - rate * vW, b - rate * vb)
            for (W, b), (vW, vb) in zip(wanted, velocity, strict=True)
        ]
        safe &= all((np.abs(a[a != 0]) > 1e-4).all() for a in forward(wanted, X)[1:-1])
    if safe:
        np.testing.assert_allclose(history.train_loss[:-1], losses, rtol=0, atol=FLOAT32 * 4)
        for (W, b), (V, c) in zip(weights_of(network), wanted, strict=True):
            np.testing.assert_allclose(W, V, rtol=0, atol=FLOAT32)
            np.testing.assert_allclose(b, c, rtol=0, atol=FLOAT32)
    np.testing.assert_array_equal(history.test_loss, history.train_loss)


@given(
    st.integers(2, 200),
    st.floats(1e-6, 10),
    st.sampled_from(["sgd", "adamw", "muon"]),
)
def test_one_cycle_rises_to_the_rate_and_falls_to_nearly_0(n_steps, rate, optimizer):
    plan = mlp.Recipe(
        epochs=1, batch_size=1, learning_rate=rate, optimizer=optimizer, one_cycle=True
    )
    network = mlp.build((2, 3, 2))
    steps = Steps(network, plan, n_steps)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    rates = []
    for _ in range(n_steps):
        rates.append([group["lr"] for o in steps._optimizers for group in o.param_groups])
        steps.step() if len(rates) < n_steps else None
    assert all(len(set(row)) == 1 for row in rates)
    path = np.array(rates)[:, 0]
    top = int(path.argmax())
    assert (path <= rate * (1 + 1e-12)).all()
    assert (np.diff(path[: top + 1]) > 0).all()
    assert (np.diff(path[top:]) < 0).all()
    assert abs(top - (RISE * n_steps - 1)) <= 1
    assert path[-1] <= rate / 1e5


@given(problems())
def test_a_saved_network_comes_back_bit_by_bit(problem):
    network, _, _ = problem
    with tempfile.TemporaryDirectory() as folder:
        mlp.save(network, Path(folder) / "network.npz")
        assert same_bits(mlp.load(Path(folder) / "network.npz"), network)


@given(st.integers(0, 2), st.booleans(), st.integers(0, 2**32))
def test_the_variants_are_closed_under_mirrors(shifts, flips, seed):
    """Those of the mirrored pictures are the mirrored variants, in another order."""
    images = np.random.default_rng(seed).integers(0, 256, (2, 3, 4), dtype=np.uint8)
    recipe = dataclasses.replace(mlp.RECIPES["homework"], shifts=shifts, flips=flips)
    found = mlp.variants(images, recipe)
    mirrored = mlp.variants(images[:, :, ::-1], recipe)[..., ::-1]
    assert sorted(v.tobytes() for v in found) == sorted(v.tobytes() for v in mirrored)
