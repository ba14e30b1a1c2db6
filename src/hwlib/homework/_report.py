"""What a check found, as a page and as text."""

from __future__ import annotations

import html
from dataclasses import dataclass

from hwlib import _notebook


@dataclass(frozen=True)
class Line:
    """One part of a check.

    Attributes:
        title: What is asked for.
        points: What it is worth.
        earned: What the answer gets for it.
        feedback: What is wrong; empty if nothing is.
    """

    title: str
    points: float
    earned: float
    feedback: str = ""


@dataclass(frozen=True)
class Report:
    """All parts of a check.

    Attributes:
        heading: The problem and the function, such as ``3c, jacobian``.
        lines: The parts.
        remark: What concerns all of them.
    """

    heading: str
    lines: tuple[Line, ...] = ()
    remark: str = ""

    @property
    def points(self) -> float:
        """What all parts are worth."""
        return sum(line.points for line in self.lines)

    @property
    def earned(self) -> float:
        """What the answer gets."""
        return sum(line.earned for line in self.lines)

    @property
    def title(self) -> str:
        """The heading with the points."""
        if not self.lines:
            return self.heading
        noun = "point" if self.points == 1 else "points"
        return f"{self.heading}: {self.earned:g} of {self.points:g} {noun}"

    def show(self) -> None:
        """Display the report in a notebook, print it elsewhere."""
        if not _notebook.show(self.markup(), self.text()):
            print(self.text())

    def text(self) -> str:
        """The report as plain text."""
        rows = [self.title]
        said: set[str] = set()
        for line in self.lines:
            rows.append(f"  {_mark(line)} {line.title} ({line.earned:g} of {line.points:g})")
            rows += [f"      {line.feedback}"] * _is_news(line, said)
        return "\n".join([*rows, *([f"  {self.remark}"] if self.remark else [])])

    def markup(self) -> str:
        """The report as HTML that needs no style sheet, and follows the page's colours."""
        said: set[str] = set()
        items = "".join(_item(line, _is_news(line, said)) for line in self.lines)
        remark = f"<p>{html.escape(self.remark)}</p>" if self.remark else ""
        return (
            '<div style="border-left: 4px solid; padding: 0.2em 0 0.2em 0.8em">'
            f"<strong>{html.escape(self.title)}</strong>"
            f'<ul style="list-style: none; padding: 0; margin: 0.3em 0">{items}</ul>{remark}</div>'
        )


def _mark(line: Line) -> str:
    return "✓" if line.earned == line.points else "✗"


def _is_news(line: Line, said: set[str]) -> bool:
    """Whether a line's feedback does not stand above already."""
    if not line.feedback or line.feedback in said:
        return False
    said.add(line.feedback)
    return True


def _item(line: Line, with_feedback: bool) -> str:
    feedback = ""
    if with_feedback:
        feedback = f'<div style="margin-left: 1.3em">{html.escape(line.feedback)}</div>'
    score = f"{line.earned:g} of {line.points:g}"
    return f"<li>{_mark(line)} {html.escape(line.title)} ({score}){feedback}</li>"
