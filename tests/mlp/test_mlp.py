"""hwlib.mlp against NumPy in float64, and against everything that must be refused."""

from __future__ import annotations

import dataclasses
import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import (
    PLAIN,
    SMALL,
    clusters,
    forward,
    gradients,
    ordinary_user,
    same_bits,
    small_files_only,
    weights_of,
)

from hwlib import mlp

# Four layers of float32 sums over at most 784 terms of size about 1: measured below 1e-7.
FLOAT32 = 2e-6
# A handful of float64 operations on numbers of size about 1.
FLOAT64 = 1e-14


class TestBuild:
    def test_the_homework_network_has_242762_parameters(self) -> None:
        pairs = zip(mlp.SIZES, mlp.SIZES[1:], strict=False)
        assert mlp.parameter_count(mlp.build()) == sum((m + 1) * n for m, n in pairs) == 242_762

    def test_two_sizes_are_logistic_regression(self) -> None:
        network = mlp.build((784, 10))
        assert [type(layer) for layer in network] == [torch.nn.Linear]
        assert mlp.parameter_count(network) == 7_850

    def test_relu_stands_between_the_layers_only(self) -> None:
        linear, relu = torch.nn.Linear, torch.nn.ReLU
        kinds = [type(layer) for layer in mlp.build(SMALL)]
        assert kinds == [linear, relu, linear, relu, linear]

    def test_weights_fill_the_stated_interval(self) -> None:
        for layer in mlp.build(seed=3):
            if isinstance(layer, torch.nn.Linear):
                scaled = layer.weight.detach().numpy() * layer.in_features**0.5
                assert np.abs(scaled).max() <= 1
                # A uniform variable on [-1, 1] has variance 1/3; n draws estimate it with a
                # standard deviation of sqrt(4 / 45 / n).
                assert abs(scaled.var() - 1 / 3) < 5 * np.sqrt(4 / 45 / scaled.size)
                assert 0 < layer.bias.abs().max() <= layer.in_features**-0.5

    def test_parameters_can_be_trained(self) -> None:
        network = mlp.build(SMALL)
        network(torch.rand(5, 16)).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())

    def test_a_seed_fixes_every_bit(self) -> None:
        assert same_bits(mlp.build(seed=7), mlp.build(seed=7))
        assert not same_bits(mlp.build(seed=7), mlp.build(seed=8))

    @pytest.mark.parametrize(
        "sizes", [(), (784,), (784, 0), (784, -1, 10), (784, 10.0), (784, "10"), 784, None]
    )
    def test_bad_sizes_are_refused(self, sizes: Any) -> None:
        with pytest.raises(ValueError, match="at least two positive integers"):
            mlp.build(sizes)


class TestPredict:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
    @pytest.mark.parametrize("sizes", [mlp.SIZES, (784, 10)])
    def test_probabilities_agree_with_numpy(self, dtype: type, sizes: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        levels = rng.integers(0, 256, size=(20, 28, 28))
        images = {"b": levels > 127, "f": levels / 255}.get(np.dtype(dtype).kind, levels)
        network = mlp.build(sizes, seed=2)
        scaled = (levels > 127 if dtype is bool else levels / 255).reshape(20, 784)
        expected = forward(weights_of(network), scaled.astype(np.float64))[-1]
        actual = mlp.predict_proba(network, images.astype(dtype))
        assert actual.dtype == np.float64
        np.testing.assert_allclose(actual, expected, atol=FLOAT32, rtol=0)
        np.testing.assert_allclose(actual.sum(axis=1), 1, atol=FLOAT64, rtol=0)
        np.testing.assert_array_equal(mlp.predict(network, images), actual.argmax(axis=1))

    def test_a_large_set_is_not_cut_at_the_chunks(self) -> None:
        network = mlp.build((1, 4, 3))
        images = np.linspace(0, 1, 25_001)[:, None]
        expected = forward(weights_of(network), images)[-1]
        np.testing.assert_allclose(
            mlp.predict_proba(network, images), expected, atol=FLOAT32, rtol=0
        )

    def test_flat_and_square_read_only_and_strided_images_are_the_same(self) -> None:
        images = np.random.default_rng(0).random((4, 28, 28))
        images.setflags(write=False)
        network = mlp.build()
        expected = mlp.predict_proba(network, images)
        for same in (images.reshape(4, 784), images[::-1][::-1], np.asfortranarray(images)):
            np.testing.assert_array_equal(mlp.predict_proba(network, same), expected)

    def test_images_are_left_alone(self) -> None:
        for images in (np.full((2, 16), 51, np.uint8), np.full((2, 16), 0.2, np.float32)):
            before = images.copy()
            mlp.predict_proba(mlp.build(SMALL), images)
            np.testing.assert_array_equal(images, before)

    def test_large_logits_do_not_overflow(self) -> None:
        network = mlp.build((2, 2))
        with torch.no_grad():
            network[0].weight.copy_(torch.tensor([[1e4, 0], [0, 1e4]]))
        p = mlp.predict_proba(network, np.array([[1.0, 0.0], [0.0, 1.0]]))
        np.testing.assert_array_equal(p, np.eye(2))

    def test_evaluate_agrees_with_numpy(self) -> None:
        data, network = clusters(), mlp.build(SMALL)
        p = forward(weights_of(network), data.test_images.reshape(300, 16) / 255)[-1]
        loss, accuracy = mlp.evaluate(network, data.test_images, data.test_labels)
        assert abs(loss + np.log(p[np.arange(300), data.test_labels]).mean()) < FLOAT32
        assert accuracy == (p.argmax(axis=1) == data.test_labels).mean()


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


@pytest.fixture(params=["predict_proba", "evaluate", "train images", "test images"])
def entrance(request: pytest.FixtureRequest) -> Any:
    """Each function that takes images, as a function of images and labels."""

    def enter(images: Any, labels: Any = (0, 1, 2)) -> None:
        network = mlp.build(SMALL)
        if request.param == "predict_proba":
            mlp.predict_proba(network, images)
        elif request.param == "evaluate":
            mlp.evaluate(network, images, labels)
        else:
            data = clusters()
            side = request.param.partition(" ")[0]
            setattr(data, f"{side}_images", images)
            setattr(data, f"{side}_labels", labels)
            mlp.train(network, data, PLAIN)

    return enter


class TestBadInput:
    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.zeros((0, 4, 4)), "there are no images"),
            (np.zeros(16), r"\(16,\).* takes 16 pixels per image: the first axis counts"),
            (np.zeros((4, 4)), r"\(4, 4\).*write image\[None\] for a single one"),
            (np.zeros((3, 5, 5), np.uint8), r"\(3, 5, 5\), but the network takes 16"),
            (np.float64(1), r"shape \(\)"),
            (np.eye(3, 16) * 255, r"image 0 holds the value 255.0.*divide grey levels"),
            (np.eye(3, 16) * 1.01, r"image 0 .*1.01.*\[0, 1\]"),
            (np.eye(3, 16) * -1, r"image 0 holds the value -1.0.*\[0, 1\]"),
            (np.eye(3, 16, dtype=np.int64) * 256, r"image 0 holds the value 256.*\[0, 255\]"),
            (np.eye(3, 16, dtype=np.int8) * -1, "image 0 holds the value -1"),
        ],
    )
    def test_images_that_do_not_fit(self, entrance: Any, images: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            entrance(images)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_the_image_that_is_not_finite_is_named(
        self, entrance: Any, bad: float, dtype: type
    ) -> None:
        images = np.full((3, 4, 4), 0.5, dtype)
        images[1, 2, 3] = bad
        with pytest.raises(ValueError, match=f"image 1 holds the value {bad}.*repair or leave out"):
            entrance(images)

    @pytest.mark.parametrize("dtype", [complex, object, str, "datetime64[s]"])
    def test_images_that_are_not_numbers(self, entrance: Any, dtype: Any) -> None:
        with pytest.raises(TypeError, match=r"images must be an array of real numbers.*uint8"):
            entrance(np.zeros((3, 16), int).astype(dtype))

    @pytest.mark.parametrize("entrance", ["evaluate", "train images"], indirect=True)
    @pytest.mark.parametrize(
        ("labels", "error", "message"),
        [
            ([0, 1], ValueError, r"shape \(2,\), but there are 3 images"),
            (np.eye(3, dtype=int), ValueError, r"shape \(3, 3\), but there are 3 images"),
            ([0, 3, 1], ValueError, r"label 3 of image 1 is not in 0 … 2"),
            ([0, 1, -1], ValueError, r"label -1 of image 2"),
            ([0.0, 1.0, 2.0], TypeError, r"not of dtype float64.*labels.astype\(int\)"),
            ([True, False, True], TypeError, "not of dtype bool"),
            (["0", "1", "2"], TypeError, "labels must be integers"),
        ],
    )
    def test_labels(self, entrance: Any, labels: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            entrance(np.zeros((3, 16)), labels)

    def test_good_input_passes(self, entrance: Any) -> None:
        entrance(np.zeros((3, 4, 4), np.uint8), np.array([0, 1, 2], np.uint8))

    @pytest.mark.parametrize(
        "network",
        [
            torch.nn.ReLU(),
            torch.nn.Sequential(torch.nn.Linear(16, 3, bias=False)),
            torch.nn.Sequential(torch.nn.Linear(16, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)),
        ],
    )
    def test_other_networks_are_refused(self, network: torch.nn.Module, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.predict_proba(network, np.zeros((3, 16)))
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.train(network, clusters(), PLAIN)
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.save(network, tmp_path / "network.pt")


class Payload:
    """Pickles to a call that leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


class TestStorage:
    @pytest.mark.parametrize("sizes", [mlp.SIZES, SMALL, (784, 10)])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_saved_network_comes_back_bit_by_bit(
        self, tmp_path: Path, sizes: tuple[int, ...], dtype: torch.dtype
    ) -> None:
        network = mlp.build(sizes, seed=1).to(dtype)
        mlp.save(network, tmp_path / "network.pt")
        loaded = mlp.load(str(tmp_path / "network.pt"), sizes=sizes)
        assert same_bits(loaded, network)
        assert repr(loaded) == repr(network)
        assert [path.name for path in tmp_path.iterdir()] == ["network.pt"]

    def test_a_loaded_network_trains_on_as_the_original_would(self, tmp_path: Path) -> None:
        network = mlp.build(SMALL)
        mlp.save(network, tmp_path / "network.pt")
        loaded = mlp.load(tmp_path / "network.pt")
        mlp.train(network, clusters(), PLAIN)
        mlp.train(loaded, clusters(), PLAIN)
        assert same_bits(loaded, network)
        assert not same_bits(loaded, mlp.build(SMALL))

    def test_an_older_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL, seed=0), path)
        mlp.save(mlp.build((16, 3), seed=1), path)
        assert same_bits(mlp.load(path), mlp.build((16, 3), seed=1))

    def test_other_sizes_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with pytest.raises(
            ValueError, match=r"network.pt holds .* \(16, 12, 8, 3\), not \(784, 10\)"
        ):
            mlp.load(path, sizes=(784, 10))

    def test_a_file_cut_short_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        whole = path.read_bytes()
        for length in [*range(0, len(whole), 97), len(whole) - 1]:
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"network.pt is not .* cut short"):
                mlp.load(path)

    def test_a_flipped_bit_never_changes_a_weight(self, tmp_path: Path) -> None:
        network, path, rng = mlp.build(SMALL), tmp_path / "network.pt", np.random.default_rng(0)
        mlp.save(network, path)
        whole = path.read_bytes()
        refused = 0
        for position in rng.choice(len(whole), 200, replace=False):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            try:
                assert same_bits(mlp.load(path), network)
            except ValueError:
                refused += 1
        assert refused > 50

    @pytest.mark.parametrize("old_format", [True, False])
    def test_a_malicious_file_is_refused_and_not_run(
        self, tmp_path: Path, old_format: bool
    ) -> None:
        path, trace = tmp_path / "network.pt", tmp_path / "trace"
        contents = {"format": "hwlib.mlp 1", "sizes": [16, 3], "state": Payload(trace)}
        if old_format:
            path.write_bytes(pickle.dumps(contents))
        else:
            torch.save(contents, path)
        with pytest.raises(ValueError, match="is not a network saved by"):
            mlp.load(path)
        assert not trace.exists()
        pickle.loads(pickle.dumps(Payload(trace)))
        assert trace.exists(), "the payload does nothing, so the test proves nothing"

    @pytest.mark.parametrize(
        ("contents", "message"),
        [
            ({"format": "other"}, "not in the format"),
            (mlp.build(SMALL).state_dict(), "not in the format"),
            ([1, 2], "does not hold the weights"),
            ({"format": "hwlib.mlp 1"}, "does not hold the weights"),
            ({"format": "hwlib.mlp 1", "sizes": [16], "state": {}}, "sizes must be"),
            ({"format": "hwlib.mlp 1", "sizes": [16, 3], "state": {}}, "does not hold the weights"),
            (
                {
                    "format": "hwlib.mlp 1",
                    "sizes": [9, 3],
                    "state": mlp.build((16, 3)).state_dict(),
                },
                "does not hold the weights",
            ),
        ],
    )
    def test_foreign_contents_are_refused(
        self, tmp_path: Path, contents: Any, message: str
    ) -> None:
        torch.save(contents, tmp_path / "network.pt")
        with pytest.raises(ValueError, match=rf"network.pt is not a network .*{message}"):
            mlp.load(tmp_path / "network.pt")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"network\.pt"):
            mlp.load(tmp_path / "network.pt")
        with pytest.raises(FileNotFoundError, match=r"was not saved.*network\.pt"):
            mlp.save(mlp.build(SMALL), tmp_path / "nowhere" / "network.pt")

    def test_a_folder_that_cannot_be_written_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with ordinary_user(tmp_path), pytest.raises(PermissionError, match=r"was not saved.*\.pt"):
            mlp.save(mlp.build(SMALL, seed=1), path)
        self.unchanged(path)

    def test_a_write_that_stops_half_way_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with small_files_only(), pytest.raises(OSError, match=r"was not saved.*network\.pt"):
            mlp.save(mlp.build(SMALL, seed=1), path)
        self.unchanged(path)

    def test_a_full_disk_keeps_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device.*network\.pt") as caught:
            mlp.save(mlp.build(SMALL, seed=1), path)
        assert caught.value.errno == errno.ENOSPC
        self.unchanged(path)

    @pytest.mark.parametrize("target", [".", os.devnull])
    def test_what_is_no_file_is_not_replaced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(OSError, match=r"was not saved.*something else"):
            mlp.save(mlp.build(SMALL), target)
        assert not Path(target).is_file()

    def test_a_link_keeps_pointing_to_the_file_that_is_saved(self, tmp_path: Path) -> None:
        link, file = tmp_path / "link.pt", tmp_path / "network.pt"
        link.symlink_to(file)
        mlp.save(mlp.build(SMALL), link)
        assert link.is_symlink()
        assert same_bits(mlp.load(file), mlp.build(SMALL))

    @staticmethod
    def unchanged(path: Path) -> None:
        assert same_bits(mlp.load(path), mlp.build(SMALL))
        assert [file.name for file in path.parent.iterdir()] == [path.name]


class TestImport:
    def test_hwlib_alone_loads_no_torch(self) -> None:
        code = (
            "import sys, hwlib; assert 'torch' not in sys.modules; hwlib.mlp; sys.modules['torch']"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_a_missing_torch_names_the_cure(self) -> None:
        code = "import sys; sys.meta_path.insert(0, type('No', (), {'find_spec': staticmethod("
        code += "lambda n, *_: exec('raise ModuleNotFoundError(name=n)') if n == 'torch' else None"
        code += ")})); import hwlib.mlp"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 1
        assert 'pip install "hwlib[torch]"' in done.stderr.splitlines()[-1]
