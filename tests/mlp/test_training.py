"""Training by gradient descent against NumPy, and its history, seeds and silence."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.mlp.data import (
    PLAIN,
    SMALL,
    clusters,
    gradients,
    same_bits,
    weights_of,
)

from hwlib import mlp

# A handful of float64 operations on numbers of size about 1.
FLOAT64 = 1e-14


class TestTrain:
    def test_one_step_agrees_with_numpy(self) -> None:
        rng = np.random.default_rng(5)
        # Multiples of 1/256 are exact in float32, so that the network in float64 sees them too.
        images, labels = rng.integers(0, 257, size=(30, 16)) / 256, rng.integers(3, size=30)
        network = mlp.build(SMALL).double()
        before = weights_of(network)
        data = SimpleNamespace(
            train_images=images, train_labels=labels, test_images=images, test_labels=labels
        )
        mlp.train(network, data, mlp.Recipe(epochs=1, batch_size=30, learning_rate=0.5))
        steps = gradients(before, images, labels)
        for (W, b), (W0, b0), (dW, db) in zip(weights_of(network), before, steps, strict=True):
            assert np.abs(dW).max() > 1e-3
            np.testing.assert_allclose(W, W0 - 0.5 * dW, atol=FLOAT64, rtol=0)
            np.testing.assert_allclose(b, b0 - 0.5 * db, atol=FLOAT64, rtol=0)

    def test_two_steps_with_momentum_agree_with_numpy(self) -> None:
        images, labels = np.linspace(0, 1, 8 * 16).reshape(8, 16) > 0.5, np.arange(8) % 3
        network = mlp.build((16, 3)).double()
        [(W, b)] = weights_of(network)
        data = SimpleNamespace(
            train_images=images, train_labels=labels, test_images=images, test_labels=labels
        )
        recipe = mlp.Recipe(epochs=2, batch_size=8, learning_rate=0.25, momentum=0.5)
        mlp.train(network, data, recipe)
        velocity = np.zeros_like(W), np.zeros_like(b)
        for _ in range(2):
            [(dW, db)] = gradients([(W, b)], images.astype(np.float64), labels)
            velocity = 0.5 * velocity[0] + dW, 0.5 * velocity[1] + db
            W, b = W - 0.25 * velocity[0], b - 0.25 * velocity[1]
        [(actual_W, actual_b)] = weights_of(network)
        np.testing.assert_allclose(actual_W, W, atol=FLOAT64, rtol=0)
        np.testing.assert_allclose(actual_b, b, atol=FLOAT64, rtol=0)

    def test_every_picture_is_used_once_in_an_epoch(self) -> None:
        # With weights this small the probabilities stay at 1/2, so that each picture moves its
        # own weight by the same amount, in whatever batch it lands. The last batch holds one.
        n = 9
        network = mlp.build((n, 2))
        torch.nn.init.zeros_(network[0].weight)
        torch.nn.init.zeros_(network[0].bias)
        images, labels = np.eye(n), np.zeros(n, int)
        data = SimpleNamespace(
            train_images=images, train_labels=labels, test_images=images, test_labels=labels
        )
        mlp.train(network, data, mlp.Recipe(epochs=1, batch_size=4, learning_rate=1e-3))
        moved = network[0].weight[0].detach().numpy() / 0.5e-3
        assert sorted(np.round(moved * 4).astype(int)) == [1] * 8 + [4]

    @pytest.mark.parametrize("sizes", [SMALL, (16, 3)])
    def test_separable_pictures_are_learned(self, sizes: tuple[int, ...]) -> None:
        data, network = clusters(), mlp.build(sizes)
        recipe = mlp.Recipe(epochs=15, batch_size=10, learning_rate=0.1)
        history = mlp.train(network, data, recipe)
        assert history.test_accuracy[0] < 0.7
        assert history.test_accuracy[-1] > 0.95
        assert history.train_loss[-1] < 0.5 * history.train_loss[0]

    def test_shuffled_labels_are_not_learned(self) -> None:
        data = clusters()
        data.train_labels = np.random.default_rng(9).permutation(data.train_labels)
        history = mlp.train(mlp.build(SMALL), data, PLAIN)
        assert history.test_accuracy[-1] < 0.6

    def test_the_test_set_is_not_trained_on(self) -> None:
        one, other = clusters(), clusters()
        other.test_labels = (other.test_labels + 1) % 3
        networks = mlp.build(SMALL), mlp.build(SMALL)
        histories = [mlp.train(n, d, PLAIN) for n, d in zip(networks, (one, other), strict=True)]
        assert same_bits(*networks)
        np.testing.assert_array_equal(histories[0].train_loss, histories[1].train_loss)
        assert (histories[0].test_loss != histories[1].test_loss).all()

    def test_history_runs_from_before_to_after(self) -> None:
        data, network = clusters(), mlp.build(SMALL)
        first = mlp.evaluate(network, data.train_images, data.train_labels)
        history = mlp.train(network, data, PLAIN)
        last = mlp.evaluate(network, data.test_images, data.test_labels)
        assert (history.train_loss[0], history.train_accuracy[0]) == first
        assert (history.test_loss[-1], history.test_accuracy[-1]) == last
        for field in dataclasses.fields(history):
            values = getattr(history, field.name)
            assert values.shape == (PLAIN.epochs + 1,)
            assert values.dtype == np.float64

    def test_a_seed_fixes_every_bit(self) -> None:
        def run(seed: int) -> tuple[torch.nn.Module, mlp.History]:
            network = mlp.build(SMALL)
            return network, mlp.train(network, clusters(), PLAIN, seed=seed)

        (one, h1), (again, h2), (other, h3) = run(4), run(4), run(5)
        assert same_bits(one, again)
        assert not same_bits(one, other)
        for field in dataclasses.fields(mlp.History):
            np.testing.assert_array_equal(getattr(h1, field.name), getattr(h2, field.name))
        assert not np.array_equal(h1.train_loss, h3.train_loss)

    def test_global_random_states_are_neither_read_nor_changed(self) -> None:
        def run() -> torch.nn.Module:
            network = mlp.build(SMALL)
            mlp.train(network, clusters(), PLAIN)
            mlp.predict(network, clusters().test_images)
            return network

        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        one = run()
        assert torch.equal(torch.get_rng_state(), states[0])
        assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
        torch.manual_seed(2)
        np.random.seed(2)  # noqa: NPY002
        assert same_bits(one, run())

    def test_it_is_silent_unless_asked(self, capfd: pytest.CaptureFixture[str]) -> None:
        mlp.train(mlp.build(SMALL), clusters(), PLAIN)
        mlp.train(mlp.build(SMALL), clusters(), PLAIN, progress=False)
        assert capfd.readouterr() == ("", "")
        mlp.train(mlp.build(SMALL), clusters(), PLAIN, progress=True)
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "training: 100%" in shown.err

    def test_divergence_is_reported_and_undone(self) -> None:
        network = mlp.build(SMALL)
        recipe = mlp.Recipe(epochs=50, batch_size=10, learning_rate=1e20)
        with pytest.raises(FloatingPointError, match=r"after epoch 1\b.*Lower the learning rate"):
            mlp.train(network, clusters(), recipe)
        assert same_bits(network, mlp.build(SMALL))

    def test_recipes(self) -> None:
        assert mlp.RECIPES["homework"].batch_size == 64
        with pytest.raises(TypeError):
            mlp.RECIPES["mine"] = PLAIN  # type: ignore[index]
        with pytest.raises(ValueError, match=r"no recipe 'homwork': take one of \['homework'"):
            mlp.train(mlp.build(SMALL), clusters(), "homwork")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("epochs", 0),
            ("epochs", 1.5),
            ("batch_size", 0),
            ("batch_size", -64),
            ("learning_rate", 0.0),
            ("learning_rate", float("nan")),
            ("learning_rate", float("inf")),
            ("momentum", 1.0),
            ("momentum", -0.1),
        ],
    )
    def test_recipes_out_of_range_are_refused(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=f"{name} must .*, not {value}"):
            dataclasses.replace(PLAIN, **{name: value})

    @pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", torch.device("meta")])
    def test_devices_that_cannot_be_used_are_refused(self, device: str | torch.device) -> None:
        with pytest.raises(ValueError, match=rf"device '{device}' cannot .* leave device out"):
            mlp.train(mlp.build(SMALL), clusters(), PLAIN, device=device)
