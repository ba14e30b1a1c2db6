"""From a recipe to torch's optimizers and the schedules of their learning rates."""

from __future__ import annotations

from typing import Any

from torch import nn, optim
from torch.optim import lr_scheduler

from hwlib.mlp._recipes import Recipe

RISE = 0.15  # of all steps, with one_cycle


class Steps:
    """The steps that a recipe takes, one for each batch."""

    def __init__(self, network: nn.Module, plan: Recipe, n_steps: int) -> None:
        self._optimizers = _optimizers(network, plan)
        self._schedules: list[lr_scheduler.LRScheduler] = []
        if plan.one_cycle:
            self._schedules = [
                lr_scheduler.OneCycleLR(
                    optimizer,
                    plan.learning_rate,
                    total_steps=n_steps,
                    pct_start=RISE,
                    cycle_momentum=False,
                )
                for optimizer in self._optimizers
            ]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """Change the parameters by their gradients, then the learning rate."""
        for optimizer in self._optimizers:
            optimizer.step()
        for schedule in self._schedules:
            schedule.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """All that later steps depend on, beside the parameters."""
        optimizers = [optimizer.state_dict() for optimizer in self._optimizers]
        return optimizers + [schedule.state_dict() for schedule in self._schedules]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from there."""
        n = len(self._optimizers)
        for optimizer, state in zip(self._optimizers, states[:n], strict=True):
            optimizer.load_state_dict(state)
        for schedule, state in zip(self._schedules, states[n:], strict=True):
            schedule.load_state_dict(state)


def _optimizers(network: nn.Module, plan: Recipe) -> list[optim.Optimizer]:
    parameters = list(network.parameters())
    rate, decay = plan.learning_rate, plan.weight_decay
    if plan.optimizer == "sgd":
        return [optim.SGD(parameters, lr=rate, momentum=plan.momentum)]
    hidden = []
    if plan.optimizer == "muon":  # the last matrix and all biases are for AdamW
        hidden = [layer.weight for layer in network.children() if isinstance(layer, nn.Linear)][:-1]
    others = [p for p in parameters if all(p is not weight for weight in hidden)]
    betas = (plan.momentum, 0.999)
    adamw = optim.AdamW(others, lr=rate, betas=betas, weight_decay=decay, fused=True)
    if not hidden:
        return [adamw]
    muon = optim.Muon(
        hidden,
        lr=rate,
        momentum=plan.momentum,
        weight_decay=decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adamw]
