"""Pictures moved and mirrored, the arrays and the tensors alike."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.mlp.data import PLAIN, SMALL, clusters

from hwlib import mlp
from hwlib.mlp._variants import Variants, picture_shape


def moved(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """Pixel by pixel."""
    result = np.zeros_like(picture)
    for (y, x), value in np.ndenumerate(picture):
        if 0 <= y + down < picture.shape[0] and 0 <= x + right < picture.shape[1]:
            result[y + down, x + right] = value
    return result


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)),
    shifts=st.integers(0, 3),
    flips=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_all_variants(shape: tuple[int, int, int], shifts: int, flips: bool, seed: int) -> None:
    images = np.random.default_rng(seed).integers(1, 256, size=shape, dtype=np.uint8)
    recipe = dataclasses.replace(PLAIN, shifts=shifts, flips=flips)
    found = mlp.variants(images, recipe)
    reach = range(-shifts, shifts + 1)
    wanted = [[moved(i, down, right) for i in images] for down in reach for right in reach]
    if flips:
        wanted += [[i[:, ::-1] for i in variant] for variant in wanted]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)

    rows = torch.from_numpy(images.reshape(len(images), -1))
    tensors = Variants(rows, shape[1:], recipe)
    assert len(tensors) == len(found)
    for v in range(len(found)):
        np.testing.assert_array_equal(
            tensors.take(v, slice(None)), found[v].reshape(len(images), -1)
        )
    drawn, which = tensors.draw(torch.Generator().manual_seed(seed))
    for row, v, i in zip(drawn.numpy(), which.tolist(), range(len(images)), strict=True):
        np.testing.assert_array_equal(row, found[v, i].ravel())


def test_every_variant_is_drawn_equally_often() -> None:
    pictures = Variants(torch.rand(60_000, 4), (2, 2), mlp.RECIPES["tuned"])
    _, which = pictures.draw(torch.Generator().manual_seed(1))
    counts = np.bincount(which, minlength=18)
    # A binomial number around 3,333 is more than 6 deviations off once in 10⁸ times.
    assert np.abs(counts - 60_000 / 18).max() < 6 * np.sqrt(60_000 / 18)


def test_each_epoch_draws_anew() -> None:
    pictures, generator = Variants(torch.rand(100, 4), (2, 2), mlp.RECIPES["tuned"]), None
    generator = torch.Generator().manual_seed(1)
    assert not torch.equal(pictures.draw(generator)[1], pictures.draw(generator)[1])


def test_without_shifts_and_flips_nothing_is_drawn_or_copied() -> None:
    rows, generator = torch.rand(10, 4), torch.Generator().manual_seed(1)
    state = generator.get_state()
    drawn, which = Variants(rows, (2, 2), PLAIN).draw(generator)
    assert drawn is rows
    assert not which.any()
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize("name", ["quick", "tuned"])
def test_flat_pictures_are_squares(name: str) -> None:
    data = clusters()
    flat = SimpleNamespace(**vars(data))
    flat.train_images = data.train_images.reshape(-1, 16)
    recipe = mlp.RECIPES[name]
    teacher = recipe.teacher and dataclasses.replace(recipe.teacher, epochs=1)
    recipe = dataclasses.replace(recipe, epochs=1, teacher=teacher)
    networks = mlp.build(SMALL), mlp.build(SMALL)
    mlp.train(networks[0], data, recipe)
    mlp.train(networks[1], flat, recipe)
    assert torch.equal(networks[0][0].weight, networks[1][0].weight)


def test_pictures_that_are_no_squares_are_refused_if_that_matters() -> None:
    images, labels = np.zeros((6, 15), np.uint8), np.arange(6) % 3
    data = SimpleNamespace(
        train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )
    mlp.train(mlp.build((15, 3)), data, PLAIN)
    with pytest.raises(ValueError, match=r"15 pixels are no squares.*\(n, height, width\)"):
        mlp.train(mlp.build((15, 3)), data, dataclasses.replace(PLAIN, flips=True))
    data.train_images = images.reshape(6, 3, 5)
    mlp.train(mlp.build((15, 3)), data, dataclasses.replace(PLAIN, flips=True))
    assert picture_shape(data.train_images, 15) == (3, 5)


@pytest.mark.parametrize("images", [np.zeros((28, 28)), np.zeros((5, 784)), np.zeros(3)])
def test_variants_of_other_shapes_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"not \(n, height, width\)"):
        mlp.variants(images)
