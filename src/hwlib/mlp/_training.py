"""Training, and the history that its curves are drawn from."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from tqdm import trange

from hwlib.mlp._input import classes, pixels
from hwlib.mlp._network import sizes_of
from hwlib.mlp._prediction import measure
from hwlib.mlp._recipes import Recipe, find


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
) -> History:
    r"""Minimize the mean cross-entropy on the training set, by the steps of a :class:`Recipe`.

    .. math::

        \min_{W, b}\; -\frac{1}{n} \sum_{i=1}^{n} \log p_{y_i}(x_i; W, b).

    The weights change in place, and stay on the device. The whole data set is held there too, as
    float32: 220 MB for FashionMNIST. For data that does not fit, use a ``DataLoader``.

    Args:
        network: From :func:`~hwlib.mlp.build`.
        data: Training and test set. The test set is measured, never trained on.
        recipe: A name in ``RECIPES``, or a :class:`Recipe`.
        seed: Determines the order of the pictures. Two runs from equal weights with equal seeds
            agree bit by bit on one machine. Torch's global random state is left alone.
        device: Such as ``"cpu"`` or ``"cuda:1"``; None takes CUDA, else Apple's MPS, else the CPU.
        progress: Whether to show a progress bar; None shows one on a terminal only.

    Returns:
        Losses and accuracies before training and after each epoch.

    Raises:
        TypeError: Images or labels are of a wrong type, or the network is not a dense ReLU one.
        ValueError: Data, recipe or device cannot be used; the message says why.
        FloatingPointError: The loss is no longer finite. The weights are those from before.

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
    before = copy.deepcopy(network.state_dict())
    optimizer = torch.optim.SGD(
        network.to(place).parameters(), lr=plan.learning_rate, momentum=plan.momentum
    )
    order = torch.Generator().manual_seed(seed)
    rows = [_row(network, training, test)]
    quiet = None if progress is None else not progress
    for epoch in trange(1, plan.epochs + 1, desc="training", unit="epoch", disable=quiet):
        run_epoch(network, optimizer, *training, plan.batch_size, order)
        rows.append(_row(network, training, test))
        if not np.isfinite(rows[-1]).all():
            network.load_state_dict(before)
            raise FloatingPointError(
                f"training diverged: the loss is not finite after epoch {epoch}, and the weights "
                f"were put back. Lower the learning rate, {plan.learning_rate} with momentum "
                f"{plan.momentum}, or check that the weights were finite before"
            )
    return History(*np.array(rows).T)


def run_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    batch_size: int,
    order: torch.Generator,
) -> None:
    """One pass over the pictures, a step of the optimizer for each batch."""
    # Drawn on the CPU, so that a seed means the same order on every device.
    permutation = torch.randperm(len(labels), generator=order).to(labels.device)
    for batch in torch.split(permutation, batch_size):
        loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


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
