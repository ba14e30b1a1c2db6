"""A network as a picture, with every weight and bias written on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hwlib._extras import require
from hwlib.boxes._depth import ReLUNetwork
from hwlib.boxes._grid import GridNetwork
from hwlib.boxes._steps import Layers, StepNetwork
from hwlib.figures import COLORS, INK, MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_UNITS = 8
MOST_EDGES = 20
# Where on its line a weight stands: lines from one side are told apart at different places.
PLACES = (0.2, 0.31, 0.42)
RADIUS = 0.26
APART = 2.6
# The graph of a ReLU, to fit into its circle.
RAMP = np.array([[-0.15, 0.0, 0.13], [-0.06, -0.06, 0.1]])


def draw(network: StepNetwork | GridNetwork | ReLUNetwork) -> Figure:
    r"""Draw a small network: a circle for a unit, a line for a weight, all numbers written on it.

    A weight stands on its line, a bias above its unit. Weights of 0 are not drawn. Take
    :func:`hwlib.figures.use_style` first to have the book's style.

    Args:
        network: Of at most 8 units in a layer, and 20 weights that are not 0.

    Returns:
        A matplotlib figure.

    Raises:
        TypeError: It is none of the networks of this module.
        ValueError: It is too large to be read as a picture.
        ModuleNotFoundError: matplotlib is missing; the message names the extra.
    """
    if not isinstance(network, StepNetwork | GridNetwork | ReLUNetwork):
        raise TypeError(f"draw takes a network of hwlib.boxes, not {type(network).__name__}")
    layers = _small(network)
    plt = require("matplotlib.pyplot", "plot")
    sizes = [layers[0][0].shape[1], *(len(b) for _, b in layers)]
    figure, ax = plt.subplots(figsize=(1.9 * len(sizes), 0.6 + 0.85 * max(sizes)))
    columns = [_column(k, size) for k, size in enumerate(sizes)]
    ramp = isinstance(network, ReLUNetwork)
    for k, (W, b) in enumerate(layers):
        _connect(ax, columns[k], columns[k + 1], W)
        is_output = k == len(layers) - 1
        for place, bias in zip(columns[k + 1], b, strict=True):
            _unit(ax, place, "Σ" if is_output else "" if ramp else "σ")
            if ramp and not is_output:
                ax.plot(place[0] + RAMP[0], place[1] + RAMP[1], color=INK, lw=1.3, zorder=3)
            above = place + np.array([0, RADIUS + 0.15])
            _write(ax, above, f"{bias:+.4g}" if bias else "0", COLORS[1])
    for k, place in enumerate(columns[0]):
        _unit(ax, place, "x" if sizes[0] == 1 else f"x{'₁₂₃₄₅₆₇₈'[k]}", face=MUTED)
    ax.set_aspect("equal")
    ax.axis("off")
    result: Figure = figure
    return result


def _small(network: Any) -> Layers:
    """The layers, if one can draw them."""
    if isinstance(network, StepNetwork):
        units = network.neurons
    elif isinstance(network, GridNetwork):
        units = max(network.counts.first, network.counts.second)
    else:
        units = max(len(b) for _, b in network.layers)
    if units > MOST_UNITS:
        raise ValueError(
            f"a layer of this network has {units:,} units: a picture can be read up to {MOST_UNITS}"
        )
    layers: Layers = network.layers
    edges = sum(int(np.count_nonzero(W)) for W, _ in layers)
    inputs = layers[0][0].shape[1]
    if inputs > MOST_UNITS:
        raise ValueError(
            f"this network has {inputs} inputs: a picture can be read up to {MOST_UNITS}"
        )
    if edges > MOST_EDGES:
        raise ValueError(
            f"this network has {edges} weights: a picture can be read up to {MOST_EDGES}"
        )
    return layers


def _column(k: int, size: int) -> Any:
    heights = (size - 1) / 2 - np.arange(size)
    return np.column_stack([np.full(size, APART * k), 1.25 * heights])


def _connect(ax: Axes, left: Any, right: Any, W: Any) -> None:
    for i, j in np.argwhere(W):
        start, end = left[j], right[i]
        ax.plot(*zip(start, end, strict=True), color=MUTED, lw=0.9, zorder=1)
        share = 0.62 if len(left) == 1 else 0.4 if len(right) == 1 else PLACES[i % len(PLACES)]
        _write(ax, start + share * (end - start), f"{W[i, j]:.4g}", COLORS[0])


def _unit(ax: Axes, place: Any, symbol: str, face: str = INK) -> None:
    circle = require("matplotlib.patches", "plot").Circle
    ax.add_patch(circle(place, RADIUS, facecolor=PAPER, edgecolor=face, lw=1.4, zorder=2))
    x, y = place
    ax.text(x, y, symbol, ha="center", va="center", fontsize=11, color=INK, zorder=3)


def _write(ax: Axes, place: Any, text: str, color: str) -> None:
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}
    x, y = place
    ax.text(
        x,
        y,
        text.replace("-", "−"),
        ha="center",
        va="center",
        fontsize=9,
        color=color,
        bbox=box,
        zorder=4,
    )
