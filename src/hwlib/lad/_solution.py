"""What a solver hands over, to be certified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._design import Vector


@dataclass(frozen=True, eq=False)
class Solution:
    """A pair that may be optimal.

    Attributes:
        w: (d,) coefficients.
        a: (n,) dual variables, within their box.
        steps: Steps of the solver.
        is_settled: Whether w fits its rows exactly and a is at its walls in all others.
        span: Rows that seem to span the others; None for all rows.
        r: (n,) residuals y − Xw, where they are known.
    """

    w: Vector
    a: Vector
    steps: int = 0
    is_settled: bool = False
    span: NDArray[np.intp] | None = None
    r: Vector | None = None
