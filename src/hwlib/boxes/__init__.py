r"""Networks whose weights one can write down: sums of boxes, and what depth buys.

With the unit step :math:`\sigma(z) = 1` if :math:`z > 0`, else 0, a hidden layer of m steps is

.. math::

    x \mapsto c_0 + \sum_{i=1}^m c_i\,\sigma(w_i^\top x + b_i) .

Two of them make a box; N + 1 make any function on an interval, up to what it moves within half a
cell; in d dimensions it takes two hidden layers and :math:`N^d` units. The chapters *Box sums* and
*The curse of dimensionality* derive what is computed here.

NumPy is all that this needs; :func:`draw` loads matplotlib.
"""

from typing import TYPE_CHECKING, Any

from hwlib.boxes._depth import ReLUNetwork, sawtooth, square_depth, square_network
from hwlib.boxes._grid import GridCounts, GridNetwork, grid_counts, grid_sum
from hwlib.boxes._steps import StepNetwork
from hwlib.boxes._sums import (
    adaptive_box_sum,
    box_network,
    box_sum,
    boxes_needed,
    error_bound,
)

if TYPE_CHECKING:
    from hwlib.boxes._drawing import draw as draw

__all__ = [
    "GridCounts",
    "GridNetwork",
    "ReLUNetwork",
    "StepNetwork",
    "adaptive_box_sum",
    "box_network",
    "box_sum",
    "boxes_needed",
    "draw",
    "error_bound",
    "grid_counts",
    "grid_sum",
    "sawtooth",
    "square_depth",
    "square_network",
]


def __getattr__(name: str) -> Any:
    if name == "draw":
        from hwlib.boxes._drawing import draw

        return draw
    raise AttributeError(f"module 'hwlib.boxes' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "draw"])
