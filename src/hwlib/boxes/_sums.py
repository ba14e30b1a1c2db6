r"""A function on [−B, B] as a sum of boxes.

The interval falls into N cells of width :math:`\delta = 2B/N`. Over each stands a box as high as
the function is there; neighbours share an edge, so N + 1 steps carry the sum: the step at an edge
adds the difference of the heights on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hwlib.boxes._input import MOST_CELLS, Floats, count, finite, positive, values_of
from hwlib.boxes._steps import StepNetwork

Function = Callable[[Floats], ArrayLike]
# Gauss–Legendre points to a cell: exact for polynomials of degree 15.
NODES = 8


def box_network(
    height: float,
    width: float,
    start: float = 0.0,
    *,
    ends: Literal["half-open", "open"] = "half-open",
) -> StepNetwork:
    r"""A box from two step neurons: ``height`` over (start, start + width], else 0.

    .. math::

        h\,\sigma(x - a) - h\,\sigma(x - a - \delta)

    is the box up to its ends: with σ(0) = 0 it holds the right one. The open box is

    .. math::

        h\,\sigma(x - a) + h\,\sigma(a + \delta - x) - h .

    Args:
        height: h, of either sign.
        width: δ > 0.
        start: a.
        ends: ``"half-open"`` for the first, ``"open"`` for the second.

    Raises:
        ValueError: An argument is not finite, the width is not positive or vanishes beside the
            start, or ``ends`` is neither.

    Example:
        >>> box_network(2, 0.5, ends="open")([0, 0.25, 0.5])
        array([0., 2., 0.])
    """
    h, delta, a = finite("height", height), positive("width", width), finite("start", start)
    end = finite("start + width", a + delta)
    if end == a:
        raise ValueError(f"a box of width {delta} that starts at {a} ends there: it is too narrow")
    if ends == "half-open":
        return StepNetwork(np.array([1.0, 1]), np.array([-a, -end]), np.array([h, -h]))
    if ends == "open":
        return StepNetwork(np.array([1.0, -1]), np.array([-a, end]), np.array([h, h]), -h)
    raise ValueError(f"ends must be 'half-open' or 'open', not {ends!r}")


def box_sum(
    f: Function,
    bound: float,
    n_boxes: int,
    *,
    heights: Literal["midpoint", "average"] = "midpoint",
) -> StepNetwork:
    r"""F on [−B, B] as N boxes of the same width, from N + 1 step neurons.

    Between the edges :math:`e_i = -B + i\delta`, :math:`\delta = 2B/N`, the network has the
    heights :math:`h_i`, and 0 outside, up to the rounding of their differences. With σ(0) = 0 a
    box is (eᵢ, eᵢ₊₁]; so that −B is not lost, the first edge is the next number below it.

    Args:
        f: Called once, with an array of points; returns one number for each.
        bound: B > 0.
        n_boxes: N.
        heights: ``"midpoint"``, f in the middle of the cell; or ``"average"``, its mean over the
            cell, by a Gauss–Legendre rule of eight points.

    Raises:
        ValueError: B is not positive, N is below 1 or so large that cells vanish in rounding, f
            returns another shape or a value that is not finite, or ``heights`` is neither.

    How far f can be from the sum, :func:`error_bound` says. Where f jumps or is steep in places
    only, :func:`adaptive_box_sum` does better with as many boxes. To interpolate data take
    ``numpy.interp``: its error falls with the square of the width.

    Source:
        The chapter *Box sums*; M. Nielsen, *Neural Networks and Deep Learning*, chapter 4,
        http://neuralnetworksanddeeplearning.com/chap4.html.

    Example:
        >>> network = box_sum(np.square, bound=1, n_boxes=4)
        >>> network([-1, -0.5, 0.1, 2])
        array([0.5625, 0.5625, 0.0625, 0.    ])
    """
    edges, middles = cells(positive("bound", bound), count("n_boxes", n_boxes))
    if heights == "midpoint":
        levels = values_of(f, middles, middles.shape)
    elif heights == "average":
        nodes, shares = np.polynomial.legendre.leggauss(NODES)
        points = middles[:, None] + np.diff(edges)[:, None] / 2 * nodes
        levels = values_of(f, points, points.shape) @ (shares / 2)
    else:
        raise ValueError(f"heights must be 'midpoint' or 'average', not {heights!r}")
    return from_cells(edges, levels)


def adaptive_box_sum(
    f: Function, bound: float, n_boxes: int, *, resolution: int | None = None
) -> StepNetwork:
    r"""F on [−B, B] as N boxes that are narrow where f moves and wide where it does not.

    The cells cut the total variation :math:`V = \int_{-B}^{B} |f'|` into N equal parts, and the
    height is the middle of the range of f over its cell. Variation and ranges are measured on a
    grid of width g, so the error is at most

    .. math::

        \frac{V}{2N} + \omega(g/2) ,

    with ω as in :func:`error_bound`. Of this, V/(2N) is at most the :math:`LB/N` of equal widths,
    since :math:`V \le 2BL`. A jump counts in V; if it is larger than V/N it falls between two
    cells, and the sum jumps with f.

    Args:
        f: Called once, with an array of points, one to each edge of the grid: that is what this
            costs, beside :func:`box_sum`. Returns one number for each.
        bound: B > 0.
        n_boxes: N, the most boxes; jumps, and a function that stands still, take fewer.
        resolution: How many cells the grid has, 2B/g; as a rule 64 to a box, at least 65,536.

    Raises:
        ValueError: As :func:`box_sum`.

    Example:
        >>> network = adaptive_box_sum(lambda x: np.tanh(100 * x), bound=1, n_boxes=20)
        >>> x = np.linspace(-1, 1, 1001)
        >>> bool(np.abs(network(x) - np.tanh(100 * x)).max() < 0.06)
        True
    """
    B, n = positive("bound", bound), count("n_boxes", n_boxes)
    x, _ = cells(B, max(64 * n, 2**16) if resolution is None else count("resolution", resolution))
    y = values_of(f, x, x.shape)
    with np.errstate(over="ignore"):
        variation = np.concatenate([[0.0], np.abs(np.diff(y)).cumsum()])
    total = finite("the variation of f", variation[-1]) or 1.0
    cell = np.minimum((variation / total * n).astype(int), n - 1)
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    low, high = np.minimum.reduceat(y, first), np.maximum.reduceat(y, first)
    between = (x[first[1:] - 1] + x[first[1:]]) / 2
    return from_cells(np.concatenate([[-B], between, [B]]), low + (high - low) / 2)


def error_bound(modulus: float | Callable[[float], float], bound: float, n_boxes: int) -> float:
    r"""How far :func:`box_sum` can be from f on [−B, B].

    No point is farther than δ/2 from the middle of its cell, so the error is at most
    :math:`\omega(\delta/2)`, with :math:`\omega(t)` the most by which f differs between points
    that are at most t apart: Lt if f has the Lipschitz constant L. The same holds for averages
    where ω is concave, as Lt is.

    Args:
        modulus: L ≥ 0, or the function ω.
        bound: B > 0.
        n_boxes: N, in each dimension where there are several.

    Raises:
        ValueError: L or what ω returns is negative or not finite, B is not positive, or N is below
            1.

    Example:
        >>> error_bound(1, bound=1, n_boxes=100)
        0.01
    """
    half = positive("bound", bound) / count("n_boxes", n_boxes)
    if callable(modulus):
        return _not_negative("a modulus of continuity", modulus(half))
    return _not_negative("a Lipschitz constant", modulus) * half


def boxes_needed(error: float, lipschitz: float, bound: float) -> int:
    r"""The least N with :math:`LB/N \le` ``error``, computed without rounding.

    Args:
        error: The wanted error, > 0.
        lipschitz: L ≥ 0; in several dimensions with respect to the largest coordinate.
        bound: B > 0.

    Returns:
        N, the number of boxes; in d dimensions there are N to the power d.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> boxes_needed(0.01, lipschitz=1, bound=1)
        100
    """
    wanted, B = positive("error", error), positive("bound", bound)
    L = _not_negative("a Lipschitz constant", lipschitz)
    return max(1, ceil(_written(L) * _written(B) / _written(wanted)))


def cells(bound: float, n_boxes: int) -> tuple[Floats, Floats]:
    """The N + 1 edges of cells of one width, and their N middles; both lie symmetrically."""
    if n_boxes > MOST_CELLS:
        raise ValueError(f"{n_boxes:,} boxes are more than memory holds: take up to {MOST_CELLS:,}")
    edges = bound * (np.arange(-n_boxes, n_boxes + 1, 2) / n_boxes)
    middles = bound * (np.arange(1 - n_boxes, n_boxes, 2) / n_boxes)
    if not ((edges[:-1] < middles) & (middles < edges[1:])).all():
        raise ValueError(f"{n_boxes} boxes do not fit into [-{bound}, {bound}]: edges coincide")
    return edges, middles


def opened(edges: Floats) -> Floats:
    """The first edge moved to the next number below, so that it lies in its cell."""
    with np.errstate(over="ignore"):  # if that is -inf, the network refuses it
        return np.concatenate([[np.nextafter(edges[0], -np.inf)], edges[1:]])


def from_cells(edges: Floats, heights: Floats) -> StepNetwork:
    """Steps at the edges that add up to these heights between them."""
    with np.errstate(over="ignore"):  # infinite jumps are refused below
        jumps = np.diff(heights, prepend=0.0, append=0.0)
    return StepNetwork(np.ones(len(edges)), -opened(edges), jumps)


def _not_negative(what: str, value: float) -> float:
    number = finite(what, value)
    if number < 0:
        raise ValueError(f"{what} is at least 0, not {value!r}")
    return number


def _written(value: float) -> Fraction:
    """The number as it is written: 0.01 is one hundredth."""
    return Fraction(repr(value))
