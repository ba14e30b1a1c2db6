"""Held-out pictures: how many of them a trained network gets right, and why not more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib import datasets
from hwlib.homework._answer import Answer, Failed
from hwlib.homework._problem import Mistake, Rng, wrong

MANY = 2_000  # pictures to a test: their accuracy is known to one percentage point
GUESS = 0.2  # of ten classes, a tenth is right by chance
MORE = 0.3  # by so much better is what one gets by undoing a mistake


def reaches(
    name: str, read: Callable[[Any, int], np.ndarray], level: float
) -> Callable[[Answer, Rng], None]:
    """The test that a share of some test pictures, drawn anew, is classified rightly.

    Args:
        name: The data set.
        read: Makes labels of what the answer returns for n pictures, (n, 28, 28) of uint8.
        level: The share to reach.
    """
    return lambda answer, rng: _reach(answer, datasets.load(name), rng, read, level)


def _reach(
    answer: Answer,
    data: datasets.Dataset,
    rng: Rng,
    read: Callable[[Any, int], np.ndarray],
    level: float,
) -> None:
    n = min(MANY, len(data.test_labels))
    rows = rng.choice(len(data.test_labels), size=n, replace=False)
    images, labels = data.test_images[rows], data.test_labels[rows]
    predicted = read(answer(images), n)
    accuracy = _share(predicted, labels)
    if accuracy < level:

        def again(others: np.ndarray) -> float:
            """The accuracy on the same pictures in another form."""
            try:
                return _share(read(answer(others), n), labels)
            except Failed:
                return 0.0

        told = f"{accuracy:.0%} of {n:,} held-out pictures are right, less than {level:.0%}."
        raise wrong(PREDICTIONS, told, predicted, labels, images, again)


def _share(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(predicted == labels))


def _is_shifted(predicted: np.ndarray, labels: np.ndarray, *_: Any) -> bool:
    accuracy = _share(predicted, labels)
    return any(
        _share((predicted + shift) % 10, labels) > accuracy + MORE
        or _share(predicted + shift, labels) > accuracy + MORE
        for shift in (-1, 1)
    )


def _is_scaled(
    predicted: np.ndarray, labels: np.ndarray, images: np.ndarray, again: Callable[..., float]
) -> bool:
    return again(images / 255.0) > _share(predicted, labels) + MORE


PREDICTIONS = (
    Mistake(
        "labels-shifted-by-one",
        "The predicted labels are shifted by one: the classes are numbered from 0 to 9.",
        _is_shifted,
    ),
    Mistake(
        "scaled-differently",
        "The network does well on grey levels from 0 to 1, but pictures hold 0 to 255. What was "
        "done to them before training has to be done before predicting.",
        _is_scaled,
    ),
    Mistake(
        "one-class-only",
        "All pictures get the same label: the network ignores what it sees. Over which axis is the "
        "largest taken, and did training diverge?",
        lambda predicted, *_: bool((predicted == predicted[0]).all()),
    ),
    Mistake(
        "untrained",
        "That is no better than guessing: is it the trained network that predicts, with pictures "
        "and labels in the same order in training?",
        lambda predicted, labels, *_: _share(predicted, labels) < GUESS,
    ),
)
