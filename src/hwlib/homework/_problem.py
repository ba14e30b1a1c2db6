"""What a check consists of: parts to earn points by, and mistakes to recognize."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwlib.homework._answer import Answer, Failed

Rng = np.random.Generator
CLOSE = 1e-5  # relative: rounding is 1e-12, and 1e-6 in float32; wrong answers are off by 1e-2


@dataclass(frozen=True)
class Part:
    """One thing that an answer can get right.

    Attributes:
        title: What is asked for, without saying how.
        points: What it is worth.
        test: Called with the answer and a generator for fresh inputs; raises
            :class:`~hwlib.homework._answer.Failed` with the feedback if the answer is wrong.
    """

    title: str
    points: float
    test: Callable[[Answer, Rng], None]


@dataclass(frozen=True)
class Mistake:
    """A known mistake, recognized by what it would give for the same inputs.

    Attributes:
        name: A name for tests and for the instructor's table.
        idea: The feedback: the idea that is missing, not the answer.
        fits: Called with what the answer gave and with its inputs; whether this mistake gives that.
    """

    name: str
    idea: str
    fits: Callable[..., bool]


@dataclass(frozen=True)
class Check:
    """The check of one answer.

    Attributes:
        key: What students call it by, such as ``"3c"``.
        function: The name of the function that is the answer.
        parts: What it earns points by.
        mistakes: What it recognizes.
    """

    key: str
    function: str
    parts: tuple[Part, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def points(self) -> float:
        """What the answer is worth."""
        return sum(part.points for part in self.parts)


def gives(makes: Callable[..., Any]) -> Callable[..., bool]:
    """Whether an answer gave what ``makes`` gives for the same inputs."""

    def fits(found: Any, *inputs: Any) -> bool:
        with np.errstate(all="ignore"):
            return alike(found, makes(*inputs))

    return fits


def alike(found: Any, wanted: Any) -> bool:
    """Whether two arrays, or two lists of arrays, agree but for rounding."""
    if isinstance(wanted, list | tuple):
        same_length = isinstance(found, list | tuple) and len(found) == len(wanted)
        return same_length and all(map(alike, found, wanted))
    one, other = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    if one.shape != other.shape:
        return False
    size = np.abs(other[np.isfinite(other)]).max(initial=0)
    return bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE * size, equal_nan=True))


def wrong(mistakes: Sequence[Mistake], otherwise: str, found: Any, *inputs: Any) -> Failed:
    """The feedback for a wrong result: the mistake that it shows, or what it violates."""
    for mistake in mistakes:
        try:
            if mistake.fits(found, *inputs):
                return Failed(mistake.idea)
        except (TypeError, ValueError, IndexError):
            continue  # not even of the form that this mistake would have
    return Failed(otherwise)
