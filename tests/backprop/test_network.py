"""What a network is made of, and what it answers."""

from __future__ import annotations

import numpy as np
import pytest
from tests.backprop import reference

from hwlib.backprop import Network

X, y = reference.clusters()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float32", "f8", float])
def test_weights_have_their_shapes_and_dtype(dtype):
    network = Network((6, 5, 4, 3), dtype=dtype)
    assert [W.shape for W in network.weights] == [(6, 5), (5, 4), (4, 3)]
    assert [b.shape for b in network.biases] == [(5,), (4,), (3,)]
    assert {p.dtype for p in (*network.weights, *network.biases)} == {np.dtype(dtype)}
    assert not any(b.any() for b in network.biases)


@pytest.mark.parametrize(
    ("init", "variance"), [("he", 2 / 400), ("homework", 1 / 500), ("homework", 1 / 400)]
)
def test_weights_have_the_stated_variance(init, variance):
    n_out = 500 if variance == 1 / 500 else 300
    W = Network((400, n_out), init=init, seed=5).weights[0]
    # m normal numbers estimate their variance with a relative deviation of sqrt(2/m).
    assert abs(W.var() / variance - 1) < 5 * np.sqrt(2 / W.size)
    assert abs(W.mean()) < 5 * np.sqrt(variance / W.size)


def test_a_seed_fixes_the_weights_and_dtypes_differ_by_rounding():
    narrow, wide = (Network((20, 9, 4), seed=7, dtype=d) for d in (np.float32, np.float64))
    for W, V in zip(narrow.weights, wide.weights, strict=True):
        np.testing.assert_array_equal(W, V.astype(np.float32))
    assert not np.array_equal(wide.weights[0], Network((20, 9, 4), seed=8).weights[0])


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_scores_and_probabilities_agree_with_torch(activation):
    network = Network((6, 5, 4, 3), activation)
    layers = reference.parameters(network)
    z = reference.scores(layers, activation, X).detach()
    np.testing.assert_allclose(network.forward(X), z.numpy(), rtol=1e-13, atol=1e-13)
    p = network.predict_proba(X)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p, z.softmax(dim=1).numpy(), rtol=1e-13)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    assert network.score(X, y) == (p.argmax(axis=1) == y).mean()


def test_many_rows_are_not_cut_where_they_are_split():
    network = Network((1, 4, 3))
    rows = np.linspace(-3, 3, 10_001)[:, None]
    one_by_one = [network.forward(rows[i : i + 1])[0] for i in (0, 4095, 4096, 8192, 10_000)]
    found = network.forward(rows)
    assert found.shape == (10_001, 3)
    np.testing.assert_allclose(found[[0, 4095, 4096, 8192, 10_000]], one_by_one, rtol=1e-14)


def test_probabilities_of_float32_sum_to_one_in_float64():
    p = Network((6, 5, 3), dtype=np.float32).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)


def test_sigmoids_do_not_overflow():
    network = Network((1, 1, 2), "sigmoid")
    network.weights[0][:] = 1e6
    assert np.isfinite(network.forward([[-1.0], [1.0]])).all()


def test_it_names_itself():
    network = Network([6, np.int64(5), 3], "tanh", dtype=np.float32)
    assert repr(network) == "Network((6, 5, 3), 'tanh', dtype=float32)"
