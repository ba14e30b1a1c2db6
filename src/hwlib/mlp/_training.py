"""Training, and the history that its curves are drawn from."""

from __future__ import annotations

import copy
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from hwlib.mlp._checkpoints import Checkpoint, fingerprint
from hwlib.mlp._input import classes, pixels
from hwlib.mlp._loop import Loop
from hwlib.mlp._network import sizes_of
from hwlib.mlp._prediction import measure
from hwlib.mlp._recipes import Recipe, find
from hwlib.mlp._teacher import opinions
from hwlib.mlp._variants import Variants, picture_shape


@dataclass(frozen=True, eq=False)
class History:
    """Loss and accuracy over the epochs, each measured on a whole set.

    Entry e of each array, (epochs + 1,) in float64, was measured after e epochs: entry 0 is the
    untrained network, entry −1 the final one.

    Attributes:
        train_loss: Mean cross-entropy in nats on the training set.
        test_loss: The same on the test set.
        train_accuracy: Share of the training pictures classified correctly, in [0, 1].
        test_accuracy: The same of the test pictures.
    """

    train_loss: NDArray[np.float64]
    test_loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    test_accuracy: NDArray[np.float64]


class Data(Protocol):
    """What :func:`train` reads of a data set; :class:`hwlib.datasets.Dataset` has it.

    Images and labels are as :func:`~hwlib.mlp.evaluate` takes them.
    """

    @property
    def train_images(self) -> ArrayLike: ...
    @property
    def train_labels(self) -> ArrayLike: ...
    @property
    def test_images(self) -> ArrayLike: ...
    @property
    def test_labels(self) -> ArrayLike: ...


def train(
    network: nn.Module,
    data: Data,
    recipe: str | Recipe = "homework",
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> History:
    r"""Minimize the mean cross-entropy on the training set, by the steps of a :class:`Recipe`.

    .. math::

        \min_{W, b}\; -\frac{1}{n} \sum_{i=1}^{n} \log p_{y_i}(x_i; W, b).

    The weights change in place, and stay on the device. The whole data set is held there too, as
    float32: 220 MB for FashionMNIST, twice as much again with flips or shifts, and once more while
    a teacher is trained. For data that does not fit, use a ``DataLoader``.

    Args:
        network: From :func:`~hwlib.mlp.build`.
        data: Training and test set. The test set is measured, never trained on.
        recipe: A name in ``RECIPES``, or a :class:`Recipe`.
        seed: Determines the order of the pictures, how they are moved and mirrored, and the
            teacher. Two runs from equal weights with equal seeds agree bit by bit on one machine.
            Torch's global random state is left alone.
        device: Such as ``"cpu"`` or ``"cuda:1"``; None takes CUDA, else Apple's MPS, else the CPU.
        progress: Whether to show a progress bar; None shows one on a terminal only.
        checkpoint: A file for the state of the training, replaced as a whole after each epoch;
            what a teacher needs is in ``<file>.teacher``. If the file is there already, training
            goes on from it, whatever stopped it, to the same weights, bit by bit. Give the network
            as it was before training, built from the same seed, and let one process at a time
            train with a file.

    Returns:
        Losses and accuracies before training and after each epoch.

    Raises:
        TypeError: Images or labels are of a wrong type, or the network is not a dense ReLU one.
        ValueError: Data, recipe or device cannot be used, or the checkpoint is damaged or of
            another training; the message says why.
        FloatingPointError: The loss is no longer finite. The weights are those from before.
        OSError: A checkpoint cannot be read or written; the last one is unchanged.

    Example:
        >>> from hwlib import datasets, mlp
        >>> network = mlp.build()
        >>> history = mlp.train(network, datasets.load("fashion-mnist"))
        >>> bool(history.test_accuracy[-1] > 0.88)
        True
    """
    plan, place = find(recipe), _usable(device)
    training = _tensors(network, data.train_images, data.train_labels, place)
    test = _tensors(network, data.test_images, data.test_labels, place)
    images, labels = training
    before = copy.deepcopy(network.state_dict())
    pictures = Variants(images, picture_shape(data.train_images, images.shape[1]), plan)
    file = None
    if checkpoint is not None:
        run = fingerprint(plan, seed, pictures.shape, *before.values(), *training, *test)
        file = Checkpoint(Path(checkpoint), run)
    loop = Loop(network.to(place), plan, pictures, torch.Generator().manual_seed(seed))
    state = file.read() if file else None
    if state is not None:
        loop.load_state_dict(state)
    else:
        loop.rows.append(_row(network, training, test))
        if file:  # a folder that cannot be written to is found out now, not after an epoch
            file.write(loop.state_dict())
    targets = labels.expand(len(pictures), -1)
    if plan.teacher and loop.epoch < plan.epochs:
        targets = opinions(
            plan,
            pictures,
            labels,
            sizes_of(network)[-1],
            seed=seed,
            checkpoint=Path(f"{os.fspath(checkpoint)}.teacher") if checkpoint is not None else None,
            progress=progress,
        )
    for epoch in loop.epochs("training", progress):
        loop.run_epoch(targets, plan.temperature)
        loop.rows.append(_row(network, training, test))
        if not np.isfinite(loop.rows[-1]).all():
            network.load_state_dict(before)
            raise FloatingPointError(
                f"training diverged: the loss is not finite after epoch {epoch}, and the weights "
                f"were put back. Lower the learning rate, {plan.learning_rate} with momentum "
                f"{plan.momentum}, or check that the weights were finite before"
            )
        if file:
            file.write(loop.state_dict())
    return History(*np.array(loop.rows).T)


def _row(
    network: nn.Module,
    training: tuple[torch.Tensor, torch.Tensor],
    test: tuple[torch.Tensor, torch.Tensor],
) -> tuple[float, float, float, float]:
    """One entry of each array of a :class:`History`, in the order of its fields."""
    train_loss, train_accuracy = measure(network, *training)
    test_loss, test_accuracy = measure(network, *test)
    return train_loss, test_loss, train_accuracy, test_accuracy


def _tensors(
    network: nn.Module, images: ArrayLike, labels: ArrayLike, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Checked pictures and labels on the device, in the network's precision."""
    sizes = sizes_of(network)
    inputs = pixels(images, sizes[0])
    targets = classes(labels, len(inputs), sizes[-1])
    return inputs.to(device, next(network.parameters()).dtype), targets.to(device)


def _usable(device: str | torch.device | None) -> torch.device:
    """The device asked for, or the fastest one here."""
    if device is None:
        device = "mps" if torch.backends.mps.is_available() else "cpu"
        device = "cuda" if torch.cuda.is_available() else device
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = re.split(r"\.\s", str(error))[0]
        raise ValueError(
            f"device {str(device)!r} cannot be used here ({reason}): "
            "leave device out to take one that works"
        ) from error
    return torch.device(device)
