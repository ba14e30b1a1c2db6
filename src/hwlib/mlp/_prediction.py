"""What a network makes of pictures: probabilities, classes, loss and accuracy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from hwlib.mlp._input import classes, pixels
from hwlib.mlp._network import sizes_of

_CHUNK = 10_000


def predict_proba(network: nn.Module, images: ArrayLike) -> NDArray[np.float64]:
    r"""Class probabilities :math:`p_k = e^{z_k} / \sum_j e^{z_j}` of the network's logits z.

    Args:
        network: From :func:`~hwlib.mlp.build`, on any device.
        images: (n, 28, 28) or (n, 784): n pictures of as many pixels as the network takes.
            Integers are grey levels 0…255; floats lie in [0, 1].

    Returns:
        (n, classes), float64. Logits are computed in the network's precision, the softmax in
        float64, so that each row sums to 1 within a few units of 2⁻⁵³.

    Raises:
        TypeError: The images are not real numbers, or the network is not a dense ReLU network.
        ValueError: The images are empty, of another shape, out of range or not finite.

    Example:
        >>> import numpy as np
        >>> from hwlib import mlp
        >>> mlp.predict_proba(mlp.build(), np.zeros((2, 28, 28), np.uint8)).shape
        (2, 10)
    """
    inputs = pixels(images, sizes_of(network)[0])
    probabilities: NDArray[np.float64] = logits(network, inputs).softmax(dim=1).numpy()
    return probabilities


def predict(network: nn.Module, images: ArrayLike) -> NDArray[np.int64]:
    r"""The most probable class of each picture, :math:`\arg\max_k p_k`.

    Args:
        network: As for :func:`predict_proba`.
        images: As for :func:`predict_proba`.

    Returns:
        (n,), int64; of equally probable classes, the first.

    Raises:
        TypeError: As for :func:`predict_proba`.
        ValueError: As for :func:`predict_proba`.
    """
    most_probable: NDArray[np.int64] = predict_proba(network, images).argmax(axis=1)
    return most_probable


def evaluate(network: nn.Module, images: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    r"""Loss and accuracy on n labelled pictures.

    .. math::

        \text{loss} = -\frac{1}{n} \sum_{i=1}^{n} \log p_{y_i}(x_i), \qquad
        \text{accuracy} = \frac{1}{n} \bigl|\{i : \arg\max_k p_k(x_i) = y_i\}\bigr|.

    Args:
        network: As for :func:`predict_proba`.
        images: As for :func:`predict_proba`.
        labels: (n,), integers from 0 to the number of classes − 1.

    Returns:
        The mean cross-entropy in nats, and the accuracy in [0, 1].

    Raises:
        TypeError: Images or labels are of a wrong type.
        ValueError: Images or labels do not fit each other or the network.
    """
    sizes = sizes_of(network)
    inputs = pixels(images, sizes[0])
    return measure(network, inputs, classes(labels, len(inputs), sizes[-1]))


def measure(network: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[float, float]:
    """Loss and accuracy on tensors that are checked already."""
    scores = logits(network, inputs)
    targets = targets.cpu()
    loss = nn.functional.cross_entropy(scores, targets)
    accuracy = (scores.argmax(dim=1) == targets).double().mean()
    return loss.item(), accuracy.item()


@torch.no_grad()
def logits(network: nn.Module, inputs: torch.Tensor, chunk: int = _CHUNK) -> torch.Tensor:
    """(n, classes) logits, in float64 on the CPU: not every accelerator has float64."""
    like = next(network.parameters())
    return torch.cat([network(rows.to(like)).cpu().double() for rows in torch.split(inputs, chunk)])
