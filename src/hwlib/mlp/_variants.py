"""Pictures moved by a pixel and mirrored: what the label says of one, it says of all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from hwlib.mlp._recipes import Recipe, find


def variants(images: ArrayLike, recipe: str | Recipe = "quick") -> NDArray[Any]:
    """Every picture in all the ways in which a recipe shows it.

    Args:
        images: (n, height, width), numbers whose 0 is background.
        recipe: A name in ``RECIPES``, or a :class:`Recipe`; what counts are its ``shifts`` s and
            ``flips``.

    Returns:
        (v, n, height, width) with the dtype of ``images``, where v is (2s + 1)², and twice as many
        with flips: first all shifts, from up and left to down and right, and then the mirror
        images of these. In training, each of them has the same probability.

    Raises:
        ValueError: The images do not have three axes, or there is no such recipe.

    Example:
        >>> import numpy as np
        >>> variants(np.zeros((5, 28, 28))).shape
        (18, 5, 28, 28)
    """
    images, plan = np.asarray(images), find(recipe)
    if images.ndim != 3:
        raise ValueError(
            f"images have shape {images.shape}, not (n, height, width): "
            "the first axis counts the images (write image[None] for a single one)"
        )
    _, height, width = images.shape
    rows = torch.tensor(np.ascontiguousarray(images)).flatten(1)
    shown = Variants(rows, (height, width), plan)
    taken = [
        shown.take(variant, slice(None)).reshape(images.shape) for variant in range(len(shown))
    ]
    found: NDArray[Any] = torch.stack(taken).numpy()
    return found


class Variants:
    """The same of tensors, made when they are needed: all together take too much memory.

    Attributes:
        rows: (n, height · width), the pictures as they are.
        shape: Height and width; None if there is no telling.
    """

    def __init__(self, rows: torch.Tensor, shape: tuple[int, int] | None, plan: Recipe) -> None:
        if shape is None and (plan.shifts or plan.flips or plan.teacher):
            raise ValueError(
                f"images of {rows.shape[1]} pixels are no squares, so this recipe cannot tell "
                "which pixels are neighbours: give them with the shape (n, height, width)"
            )
        self.rows, self.shape = rows, shape or (1, rows.shape[1])
        self._shifts, self._flips = plan.shifts, plan.flips
        pictures = rows.reshape(-1, *self.shape)
        self._padded = nn.functional.pad(pictures, (plan.shifts,) * 4) if plan.shifts else pictures

    def __len__(self) -> int:
        return (2 * self._shifts + 1) ** 2 * (1 + self._flips)

    def take(self, variant: int, of: torch.Tensor | slice) -> torch.Tensor:
        """One variant of some pictures, as rows."""
        (height, width), s = self.shape, self._shifts
        mirrored, shift = divmod(variant, (2 * s + 1) ** 2)
        down, right = divmod(shift, 2 * s + 1)  # both from −s, counted from 0
        y, x = 2 * s - down, 2 * s - right
        taken = self._padded[of, y : y + height, x : x + width]
        return (taken.flip(2) if mirrored else taken).flatten(1)

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A variant of each picture, with equal probabilities: the rows, and which variants."""
        n = len(self.rows)
        if len(self) == 1:
            return self.rows, torch.zeros(n, dtype=torch.int64, device=self.rows.device)
        which = torch.randint(len(self), (n,), generator=generator).to(self.rows.device)
        drawn = torch.empty_like(self.rows)
        for variant in range(len(self)):
            of = torch.nonzero(which == variant)[:, 0]
            drawn[of] = self.take(variant, of)
        return drawn, which


def picture_shape(images: ArrayLike, n_inputs: int) -> tuple[int, int] | None:
    """Height and width of pictures, of flat ones if they are squares; else None."""
    shape = np.asarray(images).shape[1:]
    if len(shape) == 2:
        return shape
    side = math.isqrt(n_inputs)
    return (side, side) if side**2 == n_inputs else None
