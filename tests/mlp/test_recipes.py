"""Each part of a recipe against what it says: steps, rates, and what is refused."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import PLAIN, SMALL, clusters, gradients, same_bits, weights_of

from hwlib import mlp

FLOAT64 = 1e-12


def one_batch(seed: int = 0, n: int = 30) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 257, size=(n, 16)) / 256, rng.integers(3, size=n)
    return SimpleNamespace(
        train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )


def test_adamw_agrees_with_numpy() -> None:
    data, network = one_batch(), mlp.build(SMALL).double()
    before = weights_of(network)
    recipe = mlp.Recipe(
        epochs=1, batch_size=30, learning_rate=0.01, momentum=0.9, optimizer="adamw",
        weight_decay=0.3,
    )  # fmt: skip
    mlp.train(network, data, recipe)
    steps = gradients(before, data.train_images, data.train_labels)
    for new, old, step in zip(weights_of(network), before, steps, strict=True):
        for w, w0, g in zip(new, old, step, strict=True):
            # After one step both averages, freed of their bias, are the gradient itself.
            wanted = w0 * (1 - 0.01 * 0.3) - 0.01 * g / (np.abs(g) + 1e-8)
            np.testing.assert_allclose(w, wanted, atol=FLOAT64, rtol=0)


def test_muon_steps_in_all_directions_alike() -> None:
    data, network = one_batch(), mlp.build(SMALL).double()
    before = weights_of(network)
    recipe = mlp.Recipe(epochs=1, batch_size=30, learning_rate=0.01, optimizer="muon")
    mlp.train(network, data, recipe)
    steps = gradients(before, data.train_images, data.train_labels)
    hidden = list(zip(weights_of(network), before, steps, strict=True))[:-1]
    for (W, b), (W0, b0), (dW, db) in hidden:
        scale = 0.2 * 0.01 * np.sqrt(max(W.shape))
        s = np.linalg.svd(W0 - W)[1]
        seen = np.linalg.svd(dW)[1] > 1e-2 * np.linalg.norm(dW)
        assert seen.sum() > 1
        # Five iterations bring singular values that are not tiny between 0.6 and 1.3.
        assert (s[seen] > 0.6 * scale).all()
        assert (s < 1.3 * scale).all()
        # It goes downhill, in each direction of the gradient.
        assert np.sum((W0 - W) * dW) > 0.6 * scale * np.linalg.svd(dW)[1][seen].sum()
        np.testing.assert_allclose(b, b0 - 0.01 * db / (np.abs(db) + 1e-8), atol=FLOAT64, rtol=0)


def test_muon_on_logistic_regression_is_adamw() -> None:
    def run(optimizer: Any) -> torch.nn.Module:
        network = mlp.build((16, 3))
        mlp.train(network, one_batch(), dataclasses.replace(PLAIN, optimizer=optimizer))
        return network

    assert same_bits(run("muon"), run("adamw"))
    assert not same_bits(run("muon"), run("sgd"))


def test_one_cycle_rises_and_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.SGD.step

    def watched(self: torch.optim.SGD, *arguments: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    recipe = mlp.Recipe(epochs=20, batch_size=10, learning_rate=0.5, one_cycle=True)
    mlp.train(mlp.build((16, 3)), one_batch(n=100), recipe)
    assert len(rates) == 200
    top = int(np.argmax(rates))
    assert 25 <= top <= 30
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[top] == pytest.approx(0.5, rel=0.01)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 1e-3 * 0.5


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_one_cycle_of_few_steps(n_steps: int) -> None:
    network = mlp.build(SMALL)
    recipe = mlp.Recipe(epochs=n_steps, batch_size=30, learning_rate=0.1, one_cycle=True)
    mlp.train(network, one_batch(), recipe)
    assert not same_bits(network, mlp.build(SMALL))


def test_quick_learns_small_pictures() -> None:
    # A row that is moved is one of another class.
    recipe = dataclasses.replace(mlp.RECIPES["quick"], epochs=20, batch_size=20, shifts=0)
    history = mlp.train(mlp.build(SMALL), clusters(), recipe)
    assert history.test_accuracy[-1] > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "adam"}, "optimizer must be one of .*'muon'.*not 'adam'"),
        ({"weight_decay": -1.0, "optimizer": "adamw"}, "weight_decay must .*not -1"),
        ({"weight_decay": float("nan"), "optimizer": "adamw"}, "weight_decay must .*not nan"),
        ({"weight_decay": 0.1}, "weight_decay is for adamw and muon"),
        ({"shifts": -1}, "shifts must .*not -1"),
        ({"shifts": 0.5}, r"shifts must .*not 0\.5"),
        ({"temperature": 0.0}, r"temperature must .*not 0\.0"),
        ({"temperature": 2.0}, "a temperature needs a teacher"),
        ({"teacher": "quick"}, "teacher must be a Recipe or None, not 'quick'"),
        ({"teacher": mlp.RECIPES["tuned"]}, "no teacher of its own"),
        ({"teacher": mlp.RECIPES["quick"]}, "trained by sgd or adamw"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN, **change)


def test_the_recipes_are_those_that_were_measured() -> None:
    """What the benchmarks and the book say of them is said of these numbers."""
    usual = {"one_cycle": True, "shifts": 1}
    adamw = {"momentum": 0.9, "optimizer": "adamw", "weight_decay": 0.02, "flips": True}
    muon = {"momentum": 0.95, "optimizer": "muon", "weight_decay": 0.05}
    teacher = mlp.Recipe(epochs=12, batch_size=128, learning_rate=0.003, **adamw, **usual)
    quick = mlp.Recipe(epochs=20, batch_size=512, learning_rate=0.004, **muon, **usual)
    tuned = dataclasses.replace(quick, epochs=90, flips=True, teacher=teacher, temperature=2.0)
    homework = mlp.Recipe(epochs=30, batch_size=64, learning_rate=0.01, momentum=0.9)
    recipes = {"homework": homework, "quick": quick, "tuned": tuned}
    assert dict(mlp.RECIPES) == recipes


def test_a_recipe_shows_what_differs_from_the_defaults() -> None:
    assert repr(PLAIN) == "Recipe(epochs=3, batch_size=10, learning_rate=0.1)"
    for recipe in mlp.RECIPES.values():
        assert eval(repr(recipe), {"Recipe": mlp.Recipe}) == recipe
