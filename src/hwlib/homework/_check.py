"""The check that students call, and that the graded cells call."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib.homework._answer import Answer, Failed
from hwlib.homework._problem import Check, Part
from hwlib.homework._problems import find, keys
from hwlib.homework._report import Line, Report

_LOOK_UP = object()


def check(problem: str, answer: Any = _LOOK_UP) -> float:
    """Test an answer, show a short report, and return its points.

    The answer is tested by properties that the right one has, on inputs that are drawn anew each
    time. Nothing that it does stops the notebook: an exception is reported with its line, an
    endless loop is stopped, output is swallowed, and arguments and global random states are
    protected. What the answer returns is all that counts.

    Args:
        problem: The part of the homework, such as ``"1a"``.
        answer: The function that is the answer. Left out, it is the function of the name that the
            notebook asks for, in the cells that were run.

    Returns:
        The points that the answer gets, as a bare number, which nbgrader reads as the score of
        the cell.

    Example:
        >>> def count_boxes(B, delta, d):
        ...     return d * 2 * B / delta
        >>> check("2d", count_boxes)
        2d, count_boxes: 0 of 0.5 points
          ✗ The number of boxes (0 of 0.5)
              Boxes of a grid are counted by multiplying, not by adding.
        0.0
    """
    found = find(problem)
    if found is None:
        listed = ", ".join(keys())
        Report(f"There is no problem {problem!r}", remark=f"There are {listed}.").show()
        return 0.0
    if answer is _LOOK_UP:
        answer = sys._getframe(1).f_globals.get(found.function)
    report = examine(found, answer)
    report.show()
    return report.earned


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of a function of the homework, or None if it is not written yet.

    Cells that only show what an answer computed call it through this, so that a notebook with
    holes runs to its end.
    """
    try:
        return function(*arguments)
    except NotImplementedError:
        Report(f"{function.__name__} is not written yet").show()
        return None


def examine(found: Check, value: Any, seconds: float | None = None) -> Report:
    """The report on an answer."""
    answer = Answer(found.function, value, seconds)
    lines = tuple(_line(part, answer) for part in found.parts)
    remark = ""
    if answer.printed:
        remark = f"What {found.function} printed while it was checked is not shown here."
    return Report(f"{found.key}, {found.function}", lines, remark)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep stderr empty: nbgrader takes any word on it for a failure of the cell."""
    with (
        contextlib.redirect_stderr(io.StringIO()),
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _line(part: Part, answer: Answer) -> Line:
    with _quiet():  # what an answer leaves behind can complain when it is thrown away
        try:
            part.test(answer, np.random.default_rng())
        except (Failed, ModuleNotFoundError) as failure:
            return Line(part.title, part.points, 0.0, str(failure))
        except (Exception, SystemExit) as error:
            told = f"What {answer.name} returns could not be read ({type(error).__name__})."
            return Line(part.title, part.points, 0.0, told)
    return Line(part.title, part.points, part.points)
