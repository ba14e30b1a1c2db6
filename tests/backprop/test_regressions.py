"""What once went wrong: divergence in the last step, and lists that two networks share."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from hwlib.backprop import Network

rng = np.random.default_rng(1)
X, y = np.abs(rng.normal(size=(23, 6))), rng.integers(4, size=23)


@pytest.mark.parametrize(("rate", "dtype"), [(1e200, np.float64), (1e25, np.float32)])
def test_divergence_in_the_last_step_is_seen(rate, dtype):
    network = Network((6, 5, 7, 4), "relu", seed=4, dtype=dtype)
    before = [w.copy() for w in network.weights]
    with pytest.raises(FloatingPointError, match="step 1 of epoch 1, the last"):
        network.fit(X, y, batch_size=23, learning_rate=rate)
    for w, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(w, old)


@pytest.mark.parametrize("kind", [list, tuple])
def test_training_leaves_the_lists_of_others_alone(kind):
    first, second = Network((6, 5, 4)), Network((6, 5, 4), seed=1)
    second.weights, second.biases = kind(first.weights), kind(first.biases)
    third = copy.copy(first)
    kept = [w.copy() for w in first.weights]
    for network in (second, third):
        network.fit(X, y)
        assert not np.array_equal(network.weights[0], kept[0])
    for w, old in zip(first.weights, kept, strict=True):
        np.testing.assert_array_equal(w, old)


def test_scores_that_overflow_are_refused():
    network = Network((6, 5, 4))
    network.weights = [w * 1e308 for w in network.weights]
    with pytest.raises(ValueError, match="the scores overflow float64"):
        network.predict_proba(X)


def test_refusals():
    network = Network((6, 5, 4))
    with pytest.raises(ValueError, match="learning_rate must be positive and finite"):
        network.fit(X, y, learning_rate=10**400)
    with pytest.raises(ValueError, match="sizes must be"):
        Network((True, True))
    with pytest.raises(TypeError, match="X is a masked array"):
        network.forward(np.ma.masked_array(X))


@pytest.mark.parametrize("wrong", ["sizes", "dtype"])
def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path, wrong):
    network, path = Network((6, 5, 4)), tmp_path / "network.npz"
    network.save(path)
    with np.load(path) as archive:
        parts = dict(archive)
    if wrong == "sizes":
        parts["sizes"] = np.array([10**7, 10**7, 2])  # would take a petabyte
    else:
        parts["weights_1"] = parts["weights_1"].astype(np.float32)
    np.savez(path, **parts)
    with pytest.raises(ValueError, match=r"has shape|several types"):
        Network.load(path)
