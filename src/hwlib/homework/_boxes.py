"""The checks of problem 2, box sums. All steps have σ(0) = 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.homework._answer import Answer, Failed, array, sequence
from hwlib.homework._problem import CLOSE, Check, Mistake, Part, Rng, alike, gives, wrong

Layer = list[np.ndarray]
HAIR = 2.0**-48  # of a box's width: whoever moves an edge to get the ends right moves it farther


def _step(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(z > 0, 1.0, 0.0))


def _dyadic(rng: Rng) -> tuple[float, float]:
    """Height and width with which no sum is rounded."""
    return int(rng.integers(5, 64)) / 4, int(rng.integers(3, 32)) / 8


def _box(answer: Answer, h: float, delta: float) -> Callable[[np.ndarray], np.ndarray]:
    """The network that the answer describes, as a function of x."""
    entries = "the four parts (w, b, c, c0)"
    w, b, c, c0 = sequence(answer(h, delta), 4, "box_network", entries)
    w, b, c = (array(v, (2,), name) for v, name in ((w, "w"), (b, "b"), (c, "c")))
    c0 = array(c0, (), "c0")
    return lambda x: _step(np.multiply.outer(x, w) + b) @ c + c0


def _inside_and_outside(answer: Answer, rng: Rng) -> None:
    for _ in range(5):
        h, delta = _dyadic(rng)
        x = np.arange(-256, 512) / 64 + 1 / 128  # between all possible edges, and on none
        x = np.concatenate([x, delta * np.array([HAIR, 1 - HAIR])])
        found = _box(answer, h, delta)(x)
        if not np.array_equal(found, np.where((x > 0) & (x < delta), h, 0.0)):
            told = "The network is not h between 0 and δ and 0 beyond."
            raise wrong(_BOXES, told, found, h, delta, x)


def _ends(answer: Answer, rng: Rng) -> None:
    _inside_and_outside(answer, rng)
    for _ in range(5):
        h, delta = _dyadic(rng)
        x = np.array([0.0, delta])
        found = _box(answer, h, delta)(x)
        if found.any():
            told = "The box is open: at 0 and at δ the network should be 0."
            raise wrong(_ENDS, told, found, h, delta, x)


_BOXES = (
    Mistake(
        "second-step-sign",
        "Beyond δ the network is too high: the second step adds to the first. What sign takes it "
        "away again?",
        gives(lambda h, delta, x: h * (_step(x) + _step(x - delta))),
    ),
    Mistake(
        "second-step-at-zero",
        "Both steps are at 0 and cancel everywhere. Which bias moves the second one to δ?",
        gives(lambda h, delta, x: 0 * x),
    ),
    Mistake(
        "bias-sign",
        "The box lies to the left of 0. A neuron with weight 1 fires where x > −b.",
        gives(lambda h, delta, x: h * (_step(x + delta) - _step(x))),
    ),
    Mistake(
        "upside-down",
        "The box is upside down: both output weights have the wrong sign.",
        gives(lambda h, delta, x: -h * (_step(x) - _step(x - delta))),
    ),
    Mistake(
        "height-one",
        "The box has the height 1. Where in the network does h belong?",
        gives(lambda h, delta, x: _step(x) - _step(x - delta)),
    ),
    Mistake(
        "no-output-bias",
        "The network is too high by h everywhere: at least one of your neurons always fires. What "
        "is left for the output to take away?",
        gives(lambda h, delta, x: h * _step(x) + h * _step(delta - x)),
    ),
    Mistake(
        "edge-moved",
        "An edge is moved by a little, so that the network is not h just inside of it. What is "
        "right at an end has to be right without that.",
        lambda found, h, delta, x: alike(found[:-2], np.where((x > 0) & (x < delta), h, 0.0)[:-2]),
    ),
)
_ENDS = (
    Mistake(
        "half-open",
        "The network is right but for an end: a difference of two steps holds one of the points 0 "
        "and δ. Can the second neuron look the other way?",
        lambda found, h, delta, x: any(alike(found, np.array(ends)) for ends in ([0, h], [h, 0])),
    ),
)


def _line(rng: Rng) -> tuple[Callable[[Any], Any], float, float]:
    """A straight line, its slope, and the half width of its interval: it reaches the bound."""
    slope, B = float(rng.uniform(1, 3)), float(rng.integers(2, 5))
    return lambda x: 20 + slope * np.asarray(x), slope, B


def _wave(rng: Rng) -> tuple[Callable[[Any], Any], float, float]:
    """A smooth function, a bound of its slope, and the half width of its interval."""
    a, w, shift = rng.uniform(0.5, 2, size=(3, 3))

    def f(x: Any) -> Any:
        return 5 + (a * np.sin(w * np.asarray(x)[..., None] + shift)).sum(axis=-1)

    return f, float((a * w).sum()), float(rng.integers(2, 5))


def _sum(answer: Answer, f: Callable[[Any], Any], B: float, n: int) -> tuple[Layer, int]:
    """Thresholds and output weights of the neurons, and how many they are."""
    a, c = sequence(answer(f, B, n), 2, "box_sum", "the pair (a, c)")
    size = np.shape(a)[0] if np.ndim(a) == 1 else 0
    if size == 0:
        raise Failed("The thresholds a should be an array with one axis, one for each neuron.")
    return [array(a, (size,), "a"), array(c, (size,), "c")], size


def _evaluated(layer: Layer, x: np.ndarray) -> np.ndarray:
    a, c = layer
    return np.asarray(_step(np.subtract.outer(x, a)) @ c)


def _approximates(answer: Answer, rng: Rng) -> None:
    for n, draw in ((16, _wave), (40, _wave), (24, _line)):
        f, slope, B = draw(rng)
        layer, _ = _sum(answer, f, B, n)
        x = rng.uniform(-B, B, size=500)
        found = _evaluated(layer, x)
        if np.abs(found - f(x)).max() > slope * B / n * (1 + CLOSE):
            told = "Somewhere the sum is farther from f than the bound Lδ/2 allows."
            raise wrong(_SUMS, told, found, f, B, n, x)


def _shares_edges(answer: Answer, rng: Rng) -> None:
    n = int(rng.integers(20, 40))
    f, slope, B = _wave(rng)
    layer, neurons = _sum(answer, f, B, n)
    x = np.concatenate([rng.uniform(-2 * B, -B, size=50), rng.uniform(B, 2 * B, size=50)])
    found = _evaluated(layer, x)
    if np.abs(found).max() > CLOSE * (5 + slope):
        raise wrong(_BEYOND, "Beyond −B and B the sum should be 0.", found, f, B, n, x)
    if neurons > n + 1:
        raise wrong(_COUNTS, f"{neurons:,} neurons are more than it takes.", neurons, n)
    _approximates(answer, rng)


def _heights(f: Callable[[Any], Any], B: float, n: int, at: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the cells, and the values at a share of each cell."""
    edges = -B + 2 * B / n * np.arange(n + 1)
    return edges, np.asarray(f(edges[:-1] + at * 2 * B / n))


def _cells(f: Callable[[Any], Any], B: float, n: int, at: float, x: np.ndarray) -> np.ndarray:
    edges, heights = _heights(f, B, n, at)
    return _evaluated([edges, np.diff(heights, prepend=0, append=0)], x)


def _cumulative(f: Callable[[Any], Any], B: float, n: int, x: np.ndarray) -> np.ndarray:
    edges, heights = _heights(f, B, n, 0.5)
    return _evaluated([edges[:-1], heights], x)


def _half_width(f: Callable[[Any], Any], B: float, n: int, x: np.ndarray) -> np.ndarray:
    edges = -B + B / n * np.arange(n + 1)
    heights = f(edges[:-1] + B / (2 * n))
    return _evaluated([edges, np.diff(heights, prepend=0, append=0)], x)


_SUMS = (
    Mistake(
        "ends-of-cells",
        "The heights are values of f at the ends of the cells, which can be a whole cell away. "
        "Where is no point of the cell farther than δ/2?",
        lambda found, f, B, n, x: any(alike(found, _cells(f, B, n, at, x)) for at in (0.0, 1.0)),
    ),
    Mistake(
        "heights-as-weights",
        "The output weights are the heights, so that they pile up from left to right. By how much "
        "should the sum change at an edge?",
        gives(_cumulative),
    ),
    Mistake(
        "one-cell-too-few",
        "There is one cell too few. How many edges do n cells have?",
        lambda found, f, B, n, x: alike(found, _cells(f, B, n - 1, 0.5, x)),
    ),
    Mistake(
        "half-width",
        "The cells cover only the left half: the interval [−B, B] is 2B wide.",
        gives(_half_width),
    ),
    Mistake(
        "upside-down-sum",
        "The sum has the wrong sign.",
        lambda found, f, B, n, x: alike(-found, _cells(f, B, n, 0.5, x)),
    ),
)
_BEYOND = (
    Mistake(
        "last-step-missing",
        "To the right of B the sum stays at the height of the last box: nothing takes it down.",
        lambda found, f, B, n, x: alike(found, np.where(x > B, _heights(f, B, n, 0.5)[1][-1], 0.0)),
    ),
    *_SUMS,
)
_COUNTS = (
    Mistake(
        "two-per-box",
        "There are two neurons for each box. Where one box ends the next one starts: could one "
        "neuron do both?",
        lambda found, n: bool(found == 2 * n),
    ),
)


def _cube(answer: Answer, low: np.ndarray, high: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The network of two hidden layers that the answer describes."""
    d = len(low)
    entries = "the four parts (W1, b1, w2, b2)"
    W1, b1, w2, b2 = sequence(answer(low, high), 4, "cube_network", entries)
    W1, b1 = array(W1, (2 * d, d), "W1"), array(b1, (2 * d,), "b1")
    w2, b2 = array(w2, (2 * d,), "w2"), array(b2, (), "b2")
    return lambda x: _step(_step(x @ W1.T + b1) @ w2 + b2)


def _corners(rng: Rng, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a box: with three sides, one is below 0, one above, one across: no sign is lost unseen."""
    inner, width = rng.integers(1, 9, size=d) / 8, rng.integers(2, 16, size=d) / 8
    place = rng.permutation(np.resize(rng.permutation(3), d))
    low = np.choose(place, [-inner - width, -inner, inner])
    return low, np.choose(place, [-inner, width, inner + width])


def _is_cube(answer: Answer, rng: Rng) -> None:
    for d in (1, 2, 3, 4):
        low, high = _corners(rng, d)
        x = rng.integers(-24, 40, size=(2000, d)) / 8
        x[1000:] = rng.integers(8 * low, 8 * high, size=(1000, d)) / 8  # in the box, but for
        x[range(1200, 2000), rng.integers(d, size=800)] = x[:800, 0]  # one coordinate of most
        x += 1 / 16  # on no face: either convention for them will do
        found = _cube(answer, low, high)(x)
        if not np.array_equal(found, ((x > low) & (x < high)).all(axis=1)):
            told = f"For d = {d} the network is not 1 in the box and 0 elsewhere."
            raise wrong(_CUBES, told, found, low, high, x)


_CUBES = (
    Mistake(
        "or-in-place-of-and",
        "The network fires wherever a single coordinate is in its range. How many of the 2d steps "
        "fire for a point of the box?",
        lambda found, low, high, x: (
            len(low) > 1 and alike(found, ((x > low) & (x < high)).any(axis=1))
        ),
    ),
    Mistake(
        "always-fires",
        "The network fires everywhere: the threshold of the second layer is too low.",
        lambda found, low, high, x: bool(found.all()),
    ),
    Mistake(
        "never-fires",
        "The network fires at no point that was tried, not even in the box. Can any reach the "
        "threshold of the second layer?",
        lambda found, low, high, x: not found.any(),
    ),
    Mistake(
        "lower-edges-only",
        "The upper edges do not count: the network fires wherever the lower ones are passed.",
        gives(lambda low, high, x: (x > low).all(axis=1)),
    ),
)


def _count(answer: Answer, rng: Rng) -> None:
    for _ in range(6):
        n, d = int(rng.integers(6, 11)), int(rng.integers(3, 6))
        delta = 2.0 ** int(rng.integers(-2, 3))  # so that 2B/δ is exact, and may be rounded
        B = n * delta / 2
        found = float(array(answer(B, delta, d), (), "What count_boxes returns"))
        if abs(found - n**d) > 1e-6 * n**d:
            told = f"For B = {B:g}, {n} cells in each coordinate and d = {d} it is not the number."
            raise wrong(_NUMBERS, told, found, B, delta, d)


_NUMBERS = (
    Mistake(
        "added",
        "Boxes of a grid are counted by multiplying, not by adding.",
        gives(lambda B, delta, d: d * 2 * B / delta),
    ),
    Mistake(
        "half-interval",
        "The interval [−B, B] is 2B wide, not B.",
        gives(lambda B, delta, d: (B / delta) ** d),
    ),
    Mistake(
        "base-and-exponent",
        "Base and exponent are exchanged. What doubles when there are twice as many cells?",
        gives(lambda B, delta, d: d ** (2 * B / delta)),
    ),
    Mistake(
        "one-dimension",
        "That is the number on the line; it does not depend on d.",
        gives(lambda B, delta, d: 2 * B / delta),
    ),
)

CHECKS = (
    Check(
        "2a",
        "box_network",
        (
            Part("h between 0 and δ, 0 beyond", 0.5, _inside_and_outside),
            Part("0 at both ends", 0.5, _ends),
        ),
        (*_BOXES, *_ENDS),
    ),
    Check(
        "2b",
        "box_sum",
        (
            Part("As close to f as the bound says", 0.5, _approximates),
            Part("0 beyond the interval, from n + 1 neurons", 0.5, _shares_edges),
        ),
        (*_BEYOND, *_COUNTS),
    ),
    Check("2c", "cube_network", (Part("1 in the box, 0 elsewhere", 0.5, _is_cube),), _CUBES),
    Check("2d", "count_boxes", (Part("The number of boxes", 0.5, _count),), _NUMBERS),
)
