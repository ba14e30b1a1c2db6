"""Recipes: how a network is trained, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Recipe:
    r"""How a network is trained: stochastic gradient descent on batches :math:`B`.

    .. math::

        g = \nabla_w \frac{1}{|B|} \sum_{i \in B} -\log p_{y_i}(x_i), \qquad
        v \leftarrow \mu v + g, \qquad
        w \leftarrow w - \eta v.

    Attributes:
        epochs: Passes over the training set, each in an order of its own.
        batch_size: Pictures per step, :math:`|B|`; the last batch of an epoch may be smaller.
        learning_rate: :math:`\eta`.
        momentum: :math:`\mu`; 0 is plain gradient descent.

    Raises:
        ValueError: A value is out of range.

    Source:
        I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and
        momentum in deep learning*, 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Example:
        >>> import dataclasses
        >>> dataclasses.replace(RECIPES["homework"], epochs=3).epochs
        3
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a positive integer, not {value!r}")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ValueError(
                f"learning_rate must be positive and finite, not {self.learning_rate!r}"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {self.momentum!r}")


# Chosen on the last 10,000 training pictures, never on the test set.
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {"homework": Recipe(epochs=30, batch_size=64, learning_rate=0.01, momentum=0.9)}
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
