"""The five problems with their checks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hwlib.homework._problem import Check


@dataclass(frozen=True)
class Problem:
    """One problem of the homework.

    Attributes:
        number: 1 to 5.
        name: That of its chapter and of its notebook.
        title: What it is about.
        points: What it is worth.
        needs_torch: Whether its solution does.
    """

    number: int
    name: str
    title: str
    points: int
    needs_torch: bool = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """Its checks, in order."""
        module = importlib.import_module(f"hwlib.homework._{self.name.replace('-', '_')}")
        checks: tuple[Check, ...] = module.CHECKS
        return checks


PROBLEMS = (
    Problem(1, "lad", "The ℓ1 loss", 2),
    Problem(2, "boxes", "Box sums", 3),
    Problem(3, "softmax", "The softmax Jacobian", 3),
    Problem(4, "fashion-mnist", "FashionMNIST", 3, needs_torch=True),
    Problem(5, "backprop", "Back-propagation from scratch", 4),
)


def find(key: Any) -> Check | None:
    """The check that is called so, or None."""
    of_problem = [problem for problem in PROBLEMS if str(key)[:1] == str(problem.number)]
    checks = of_problem[0].checks if of_problem else ()
    return next((check for check in checks if check.key == key), None)


def keys() -> Iterator[str]:
    """What all checks are called."""
    for problem in PROBLEMS:
        yield from (check.key for check in problem.checks)
