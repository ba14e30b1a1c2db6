"""Networks, their parameters and what they predict, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import (
    SMALL,
    clusters,
    forward,
    same_bits,
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
