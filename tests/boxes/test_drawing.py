"""The picture of a small network holds every number; a large one is refused."""

from __future__ import annotations

from collections import Counter

import matplotlib as mpl
import numpy as np
import pytest

from hwlib import boxes, figures
from hwlib.boxes import _drawing

mpl.use("Agg")

SMALL = {
    "box": boxes.box_network(3, 0.5, 0.25),
    "open box": boxes.box_network(-3, 0.5, ends="open"),
    "plane": boxes.StepNetwork([[1, 2], [3, -1]], [0, 1], [1, 2], 0.5),
    "grid": boxes.grid_sum(lambda _: 2.0, 1, 1, 2),
    "square": boxes.square_network(2),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_and_bias_is_written_on_it(name):
    from matplotlib import pyplot as plt

    network = SMALL[name]
    figures.use_style()
    figure = boxes.draw(network)
    texts = Counter(text.get_text() for text in figure.axes[0].texts)
    expected: Counter[str] = Counter()
    for W, b in network.layers:
        expected.update(f"{w:.4g}".replace("-", "−") for w in W[W != 0])
        expected.update(f"{v:+.4g}".replace("-", "−") if v else "0" for v in b)
    assert expected <= texts
    units = len(figure.axes[0].patches)
    assert units == network.layers[0][0].shape[1] + sum(len(b) for _, b in network.layers)
    plt.close(figure)


@pytest.mark.parametrize(
    "network",
    [
        boxes.box_sum(np.sin, 1, 8),
        boxes.box_sum(np.sin, 1, 100_000),
        boxes.grid_sum(lambda _: 1.0, 1, 100, 3),
        boxes.StepNetwork(np.ones((8, 8)), np.ones(8), np.ones(8)),
        boxes.StepNetwork(np.ones((1, 9)), np.ones(1), np.ones(1)),
        boxes.StepNetwork(np.ones((6, 3)), np.ones(6), np.ones(6)),
    ],
)
def test_a_large_network_is_refused(network):
    with pytest.raises(ValueError, match="a picture can be read up to"):
        boxes.draw(network)


@pytest.mark.parametrize("name", [*SMALL, "sum"])
def test_no_number_covers_another(name):
    from matplotlib import pyplot as plt

    network = SMALL[name] if name in SMALL else boxes.box_sum(np.sin, 1, 7)
    figures.use_style()
    figure = boxes.draw(network)
    figure.canvas.draw()
    boxes_of = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    pairs = [(a, b) for i, a in enumerate(boxes_of) for b in boxes_of[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)
    plt.close(figure)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="draw takes a network"):
        boxes.draw(np.ones(3))


def test_the_graph_in_a_circle_is_a_relu_and_fits():
    x, y = _drawing.RAMP
    assert np.hypot(x, y).max() < _drawing.RADIUS
    assert np.diff(x).min() > 0
    assert y[0] == y[1] < y[2]


@pytest.mark.parametrize("name", SMALL)
def test_hidden_units_are_steps_or_ramps_and_outputs_are_sums(name):
    from matplotlib import pyplot as plt

    network = SMALL[name]
    axes = boxes.draw(network).axes[0]
    hidden = sum(len(b) for _, b in network.layers[:-1])
    is_relu = isinstance(network, boxes.ReLUNetwork)
    texts = Counter(text.get_text() for text in axes.texts)
    assert texts["Σ"] == len(network.layers[-1][1])
    assert texts["σ"] == (0 if is_relu else hidden)
    ramps = [line for line in axes.lines if len(line.get_xdata()) == len(_drawing.RAMP[0])]
    assert len(ramps) == (hidden if is_relu else 0)
    plt.close("all")
