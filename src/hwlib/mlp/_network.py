"""The network: built from its sizes, and read back from its layers."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import SupportsIndex

import torch
from torch import nn

SIZES = (784, 256, 128, 64, 10)


def build(sizes: Sequence[SupportsIndex] = SIZES, *, seed: int = 0) -> nn.Sequential:
    r"""A dense ReLU network with freshly drawn weights.

    .. math::

        W_\ell \in \mathbb{R}^{n_\ell \times n_{\ell-1}}, \quad
        b_\ell \in \mathbb{R}^{n_\ell}, \qquad
        \text{all entries} \sim
        \mathcal{U}\!\left(-\tfrac{1}{\sqrt{n_{\ell-1}}}, \tfrac{1}{\sqrt{n_{\ell-1}}}\right)

    the distribution that ``torch.nn.Linear`` draws from. Torch's global random state is neither
    read nor changed.

    Args:
        sizes: Inputs, hidden units of each layer, classes. Two sizes, as in ``(784, 10)``, make
            logistic regression.
        seed: Two networks of one seed and the same sizes are equal, bit by bit.

    Returns:
        ``Linear, ReLU, …, Linear`` in float32 on the CPU. It maps (n, sizes[0]) pictures to
        (n, sizes[-1]) logits; the softmax is left to the loss and to
        :func:`~hwlib.mlp.predict_proba`.

    Raises:
        ValueError: There are fewer than two sizes, or one is not a positive integer.

    Source:
        Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp*, 1998, section 4.6,
        http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf, for weights that scale with
        :math:`1/\sqrt{n_{\ell-1}}`.

    Example:
        >>> build((784, 10))
        Sequential(
          (0): Linear(in_features=784, out_features=10, bias=True)
        )
    """
    return drawn(blank(check_sizes(sizes)), torch.Generator().manual_seed(seed))


def parameter_count(network: nn.Module) -> int:
    r"""The number of weights and biases, :math:`\sum_\ell (n_{\ell-1} + 1)\, n_\ell`.

    Example:
        >>> parameter_count(build())
        242762
    """
    return sum(parameter.numel() for parameter in network.parameters())


def drawn(network: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """The network with fresh weights, on the CPU."""
    network.to_empty(device="cpu")
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear | nn.Conv2d):
                bound = layer.weight[0].numel() ** -0.5  # of the inputs to each unit
                for parameter in layer.parameters():
                    parameter.uniform_(-bound, bound, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.reset_parameters()
    return network


def blank(sizes: Sequence[int]) -> nn.Sequential:
    """The layers for these sizes, with parameters that have shapes but no storage yet."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, device="meta"), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def check_sizes(sizes: Sequence[SupportsIndex]) -> tuple[int, ...]:
    """The sizes as plain integers."""
    try:
        checked = tuple(operator.index(size) for size in sizes)
    except TypeError:
        checked = ()
    if len(checked) < 2 or min(checked) < 1:
        raise ValueError(
            f"sizes must be at least two positive integers, inputs first and classes last, "
            f"as in {SIZES}, not {sizes!r}"
        )
    return checked


def sizes_of(network: nn.Module) -> tuple[int, ...]:
    """The sizes that a network was built with.

    Raises:
        TypeError: The layers are not those that :func:`build` makes.
    """
    linear = [layer for layer in network.children() if isinstance(layer, nn.Linear)]
    sizes = tuple(layer.in_features for layer in linear[:1])
    sizes += tuple(layer.out_features for layer in linear)
    if len(sizes) < 2 or repr(network) != repr(blank(sizes)):
        raise TypeError(
            f"expected a network made by hwlib.mlp.build, that is, Linear layers with biases and "
            f"ReLU between them, not {network!r}"
        )
    return sizes
