"""A convolutional network, and what it thinks of every variant of a picture."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from hwlib.mlp._checkpoints import Checkpoint, fingerprint
from hwlib.mlp._loop import Loop
from hwlib.mlp._network import drawn
from hwlib.mlp._prediction import logits
from hwlib.mlp._recipes import Recipe
from hwlib.mlp._variants import Variants

WIDTHS = (32, 64, 128)
_CHUNK = 1_000  # pictures at once: the maps of the first layer take 100 kB each


def opinions(
    plan: Recipe,
    pictures: Variants,
    labels: torch.Tensor,
    n_classes: int,
    *,
    seed: int,
    checkpoint: Path | None,
    progress: bool | None,
) -> torch.Tensor:
    """What a freshly trained teacher says of each variant of each picture.

    Returns:
        (variants, n, classes), float32: probabilities at the temperature of the recipe.

    Raises:
        FloatingPointError: The training of the teacher diverged.
    """
    assert plan.teacher is not None
    shown = Variants(pictures.rows, pictures.shape, plan.teacher)
    file = None
    if checkpoint:
        shown_as = (pictures.shape, plan.shifts, plan.flips)
        parts = (plan.teacher, shown_as, n_classes, seed, pictures.rows, labels)
        file = Checkpoint(checkpoint, fingerprint(*parts))
    state = file.read() if file else None
    scores = state if isinstance(state, torch.Tensor) else None
    if scores is None:
        generator = torch.Generator().manual_seed(seed)
        teacher = convolutional(pictures.shape, n_classes, generator).to(pictures.rows)
        loop = Loop(teacher, plan.teacher, shown, generator)
        if state is not None:
            loop.load_state_dict(state)
        for _ in loop.epochs("teacher", progress):
            loop.run_epoch(labels.expand(len(shown), -1))
            if file:
                file.write(loop.state_dict())
        scores = _scores(teacher, pictures)
        if file:
            file.write(scores)
    if not torch.isfinite(scores).all():
        raise FloatingPointError(
            "the training of the teacher diverged: lower its learning rate, "
            f"{plan.teacher.learning_rate}"
        )
    return (scores / plan.temperature).softmax(dim=2).to(labels.device)


def _scores(teacher: nn.Module, pictures: Variants) -> torch.Tensor:
    """(variants, n, classes), float32, on the CPU."""
    teacher.eval()
    n, everything = len(pictures), slice(None)
    return torch.stack(
        [logits(teacher, pictures.take(v, everything), _CHUNK).float() for v in range(n)]
    )


def convolutional(
    shape: tuple[int, int], n_classes: int, generator: torch.Generator
) -> nn.Sequential:
    """A network for rows of pixels that sees in them pictures of that height and width."""
    (height, width), channels = shape, 1
    layers: list[nn.Module] = [nn.Unflatten(1, (1, height, width))]
    for more in WIDTHS:
        layers.append(nn.Conv2d(channels, more, 3, padding=1, bias=False, device="meta"))
        # In a batch of one picture, the last of an epoch, a single value would have no variance.
        if height * width > 4:
            # Of four values one stays, so that the layers below have a quarter of the work.
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            height, width = (height + 1) // 2, (width + 1) // 2
        layers += [nn.BatchNorm2d(more, device="meta"), nn.ReLU()]
        channels = more
    layers += [nn.Flatten(), nn.Linear(channels * height * width, n_classes, device="meta")]
    network = drawn(nn.Sequential(*layers), generator)
    return network.to(memory_format=torch.channels_last)
