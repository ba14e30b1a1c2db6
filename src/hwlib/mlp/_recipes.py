"""Recipes: how a network is trained, by name."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

Optimizer = Literal["sgd", "adamw", "muon"]
LINE = 80  # characters


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe:
    r"""How a network is trained: by steps against the gradient of a batch :math:`B`.

    .. math::

        g = \nabla_w \frac{1}{|B|} \sum_{i \in B} C_i, \qquad
        v \leftarrow \mu v + g, \qquad
        w \leftarrow w - \eta v,

    where :math:`C_i = -\log p_{y_i}(x_i)`. Everything else is left out unless it is asked for.

    Attributes:
        epochs: Passes over the training set, each in an order of its own.
        batch_size: Pictures per step, :math:`|B|`; the last batch of an epoch may be smaller.
        learning_rate: :math:`\eta`; with ``one_cycle``, its largest value.
        momentum: :math:`\mu`; 0 is plain gradient descent. For AdamW, :math:`\beta_1`.
        optimizer: ``"sgd"`` takes the steps above. ``"adamw"`` divides each entry of them by the
            size that its gradient usually has. ``"muon"`` replaces the step of a matrix that leads
            into a hidden layer by one with the same singular vectors whose singular values are
            nearly equal, scaled to the size of a step of AdamW, which takes the steps of all other
            parameters.
        weight_decay: :math:`\lambda`, for AdamW and Muon: each step also shrinks the parameters
            by the factor :math:`1 - \eta\lambda`.
        one_cycle: Whether :math:`\eta` rises from 1/25 of its largest value during the first 15%
            of the steps, and then falls to nearly 0; else it is constant.
        flips: Whether half of the pictures are mirrored, left to right, in each epoch anew.
        shifts: By how many pixels pictures are moved, at most, in both directions; 0 is not at
            all. What enters at the edge is background.
        teacher: How a convolutional network is trained first, on the same pictures. The dense
            network then learns its probabilities :math:`q` instead of the labels,

            .. math::

                C_i = -T^2 \sum_k q_k^{(T)}(x_i) \log p_k^{(T)}(x_i),

            where :math:`(T)` marks a softmax of logits that were divided by T.
        temperature: T.

    Raises:
        ValueError: A value is out of range.

    Source:
        Momentum: I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of
        initialization and momentum in deep learning*, 2013,
        https://proceedings.mlr.press/v28/sutskever13.html. AdamW: I. Loshchilov, F. Hutter,
        *Decoupled weight decay regularization*, 2019, https://arxiv.org/abs/1711.05101. Muon:
        K. Jordan, *Muon: an optimizer for hidden layers in neural networks*, 2024,
        https://kellerjordan.github.io/posts/muon. One cycle: L. N. Smith, N. Topin,
        *Super-convergence*, 2018, https://arxiv.org/abs/1708.07120. Teacher: G. Hinton,
        O. Vinyals, J. Dean, *Distilling the knowledge in a neural network*, 2015,
        https://arxiv.org/abs/1503.02531.

    Example:
        >>> import dataclasses
        >>> dataclasses.replace(RECIPES["homework"], epochs=3)
        Recipe(epochs=3, batch_size=64, learning_rate=0.01, momentum=0.9)
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.0
    optimizer: Optimizer = "sgd"
    weight_decay: float = 0.0
    one_cycle: bool = False
    flips: bool = False
    shifts: int = 0
    teacher: Recipe | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            _check_whole(name, getattr(self, name), 1, "a positive integer")
        _check_whole("shifts", self.shifts, 0, "an integer, at least 0")
        for name in ("learning_rate", "temperature"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be positive and finite, not {value!r}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {self.momentum!r}")
        if self.optimizer not in get_args(Optimizer):
            raise ValueError(
                f"optimizer must be one of {get_args(Optimizer)}, not {self.optimizer!r}"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be at least 0, not {self.weight_decay!r}")
        if self.weight_decay and self.optimizer == "sgd":
            raise ValueError("weight_decay is for adamw and muon: leave it out with sgd")
        if self.teacher is None:
            if self.temperature != 1:
                raise ValueError("a temperature needs a teacher: give one, or leave it out")
        elif not isinstance(self.teacher, Recipe):
            raise ValueError(f"teacher must be a Recipe or None, not {self.teacher!r}")
        elif self.teacher.teacher or self.teacher.optimizer == "muon":
            raise ValueError("a teacher has no teacher of its own, and is trained by sgd or adamw")

    def __repr__(self) -> str:
        """What differs from the defaults, on one line if it fits."""
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        line = f"Recipe({', '.join(shown)})"
        if len(line) <= LINE:
            return line
        return "Recipe(\n" + textwrap.indent(",\n".join(shown), "    ") + ",\n)"


def _check_whole(name: str, value: object, least: int, wanted: str) -> None:
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")


_QUICK = Recipe(
    epochs=20,
    batch_size=512,
    learning_rate=0.004,
    momentum=0.95,
    optimizer="muon",
    weight_decay=0.05,
    one_cycle=True,
    shifts=1,
)
_TEACHER = Recipe(
    epochs=12,
    batch_size=128,
    learning_rate=0.003,
    momentum=0.9,
    optimizer="adamw",
    weight_decay=0.02,
    one_cycle=True,
    flips=True,
    shifts=1,
)

# Chosen on the last 10,000 training pictures, never on the test set (benchmarks/fashion_mnist.py);
# the momentum of Muon, the length of the rise and the teacher's layers are customary values.
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "homework": Recipe(epochs=30, batch_size=64, learning_rate=0.01, momentum=0.9),
        "quick": _QUICK,
        "tuned": dataclasses.replace(
            _QUICK, epochs=90, flips=True, teacher=_TEACHER, temperature=2.0
        ),
    }
)


def find(recipe: str | Recipe) -> Recipe:
    """The recipe of that name; a :class:`Recipe` is itself."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise ValueError(
            f"there is no recipe {recipe!r}: take one of {sorted(RECIPES)}, or make a Recipe"
        )
    return RECIPES[recipe]
