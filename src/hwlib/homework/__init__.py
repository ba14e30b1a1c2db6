"""The checks of the homework's notebooks.

``check("3c", jacobian)`` tests an answer by properties that the right one has, on inputs drawn
anew, recognizes known mistakes, and returns points. The chapter *The homework* says how students
work with it, *For instructors* how nbgrader does. The command ``hwlib homework`` writes the
notebooks.
"""

from __future__ import annotations

from hwlib.homework._check import attempt, check

__all__ = ["attempt", "check"]
