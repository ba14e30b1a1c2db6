"""The epochs of a training, and where it stands between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from hwlib.mlp._optimizers import Steps
from hwlib.mlp._recipes import Recipe
from hwlib.mlp._variants import Variants


class Loop:
    """A training at the end of an epoch: everything that its future depends on.

    Attributes:
        epoch: How many epochs are done.
        rows: What was measured after each, and before the first.
    """

    def __init__(
        self, network: nn.Module, plan: Recipe, pictures: Variants, order: torch.Generator
    ) -> None:
        self.epoch = 0
        self.rows: list[tuple[float, ...]] = []
        self._network, self._plan, self._pictures, self._order = network, plan, pictures, order
        n_batches = -(-len(pictures.rows) // plan.batch_size)
        self._steps = Steps(network, plan, plan.epochs * n_batches)

    def epochs(self, name: str, progress: bool | None) -> Iterator[int]:
        """The epochs that are still to be run, with a progress bar."""
        quiet = None if progress is None else not progress
        todo = range(self.epoch + 1, self._plan.epochs + 1)
        yield from tqdm(
            todo,
            desc=name,
            unit="epoch",
            disable=quiet,
            initial=self.epoch,
            total=self._plan.epochs,
        )

    def run_epoch(self, targets: torch.Tensor, temperature: float = 1.0) -> None:
        """One pass over the pictures, a step for each batch.

        Args:
            targets: For each variant of each picture a class, (variants, n), or probabilities of
                all classes, (variants, n, classes).
            temperature: T, which divides the logits.
        """
        self._network.train()
        rows, which = self._pictures.draw(self._order)
        # Drawn on the CPU, so that a seed means the same order on every device.
        permutation = torch.randperm(len(rows), generator=self._order).to(rows.device)
        for batch in torch.split(permutation, self._plan.batch_size):
            logits = self._network(rows[batch]) / temperature
            loss = nn.functional.cross_entropy(logits, targets[which[batch], batch])
            self._steps.zero_grad()
            (temperature**2 * loss).backward()  # type: ignore[no-untyped-call]
            self._steps.step()
        self.epoch += 1

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values from which the training can go on."""
        return {
            "epoch": self.epoch,
            "rows": self.rows,
            "network": self._network.state_dict(),
            "steps": self._steps.state_dict(),
            "order": self._order.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back, or on, to that state."""
        self.epoch, self.rows = state["epoch"], state["rows"]
        self._network.load_state_dict(state["network"])
        self._steps.load_state_dict(state["steps"])
        self._order.set_state(state["order"])
