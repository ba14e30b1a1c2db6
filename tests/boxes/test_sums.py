"""Boxes and sums of boxes: heights, ends, edges, and how far from the function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwlib import boxes

EPS = 2.0**-52
positive = st.floats(1e-3, 1e3)
# Bounded by 1 with slopes up to 3, smooth or not.
FUNCTIONS = {
    "sine": (lambda x: np.sin(3 * x), 3),
    "kinks": (lambda x: np.abs(np.abs(x) - 0.3) - 0.5, 1),
    "parabola": (lambda x: x**2, 2),
    "constant": (lambda x: 0 * x - 0.7, 0),
}


def fine(bound, n):
    """Points of [−B, B]: random ones, all edges, and the numbers next to them."""
    x = np.random.default_rng(0).uniform(-bound, bound, 20_000)
    edges = bound * (np.arange(-n, n + 1, 2) / n)
    x = np.concatenate([x, edges, np.nextafter(edges, 9e9), np.nextafter(edges, -9e9)])
    return x[np.abs(x) <= bound]


@given(st.floats(-1e3, 1e3), positive, st.floats(-1e3, 1e3))
def test_the_box_is_half_open_or_open(height, width, start):
    end = start + width
    x = np.array([start, end, start + width / 2, start - 1, end + 1])
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
    half_open = np.where((x > start) & (x <= end), height, 0)
    is_open = np.where((x > start) & (x < end), height, 0)
    np.testing.assert_array_equal(boxes.box_network(height, width, start)(x), half_open)
    np.testing.assert_array_equal(boxes.box_network(height, width, start, ends="open")(x), is_open)


def test_it_is_the_homeworks_box():
    network = boxes.box_network(3, 0.5, 0.25)
    np.testing.assert_array_equal(network.weights, [1, 1])
    np.testing.assert_array_equal(network.biases, [-0.25, -0.75])
    np.testing.assert_array_equal(network.output_weights, [3, -3])
    assert network.output_bias == 0
    assert boxes.box_network(3, 0.5, ends="open").output_bias == -3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0), "width must be above 0"),
        ((1, -1), "width must be above 0"),
        ((1, np.inf), "width must be a finite number"),
        ((1, np.nan), "width must be a finite number"),
        ((np.nan, 1), "height must be a finite number"),
        (("1", 1), "height must be a finite number"),
        ((True, 1), "height must be a finite number"),
        ((1, 1, np.inf), "start must be a finite number"),
        ((1, 1, 1e300), "too narrow"),
        ((1, 1.7e308, 1.7e308), r"start \+ width must be a finite number"),
    ],
)
def test_a_box_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        boxes.box_network(*arguments)
    with pytest.raises(ValueError, match="ends must be"):
        boxes.box_network(1, 1, ends="closed")


@pytest.mark.parametrize("heights", ["midpoint", "average"])
@pytest.mark.parametrize("n", [1, 2, 7, 98, 1000])
@pytest.mark.parametrize("bound", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_within_the_bound(name, bound, n, heights):
    g, slope = FUNCTIONS[name]
    network = boxes.box_sum(lambda x: g(x / bound), bound, n, heights=heights)
    x = fine(bound, n)
    rounding = 2 * (n + 8) * EPS * (1 + np.abs(network.output_weights).sum())
    limit = boxes.error_bound(slope / bound, bound, n) + rounding
    assert np.abs(network(x) - g(x / bound)).max() <= limit
    assert network.neurons == n + 1


def test_it_holds_both_ends_and_nothing_beyond():
    network = boxes.box_sum(lambda x: 1 + 0 * x, 1.5, 10)
    assert network(-1.5) == 1
    assert network(1.5) == 1
    assert network(np.nextafter(1.5, 2)) == 0
    assert network(-1.6) == 0


def test_averages_are_integrals_over_cells():
    network = boxes.box_sum(lambda x: x**7, 1, 4, heights="average")
    edges = np.array([-1, -0.5, 0, 0.5, 1])
    exact = np.diff(edges**8) / 8 / 0.5
    middles = edges[:-1] + 0.25
    np.testing.assert_allclose(network(middles), exact, atol=8 * EPS)


def test_f_is_called_once_with_all_points():
    calls = []

    def f(x):
        calls.append(x.shape)
        return x

    boxes.box_sum(f, 1, 5)
    boxes.box_sum(f, 1, 5, heights="average")
    boxes.adaptive_box_sum(f, 1, 5)
    boxes.grid_sum(lambda x: f(x)[..., 0], 1, 5, 2)
    assert calls == [(5,), (5, 8), (65537,), (25, 2)]


@pytest.mark.parametrize("build", [boxes.box_sum, boxes.adaptive_box_sum])
def test_f_may_change_its_argument(build):
    def doubled(x):
        x *= 2
        return np.sin(x)

    x = np.linspace(-1, 1, 101)
    np.testing.assert_array_equal(
        build(doubled, 1, 40)(x), build(lambda x: np.sin(2 * x), 1, 40)(x)
    )


def test_a_single_number_is_a_constant():
    np.testing.assert_array_equal(boxes.box_sum(lambda _: 2.0, 1, 3)([-1, 0, 1]), [2, 2, 2])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[:-1], r"of shape \(4,\), not \(3,\)"),
        (lambda x: 1 / (x - 0.25), r"f is inf at x = 0.25"),
        (lambda x: np.where(x < 0, np.nan, x), r"f is nan at x = -0.75"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_f_returns_is_checked(f, message):
    with pytest.raises(ValueError, match=message):
        boxes.box_sum(f, 1, 4)


@pytest.mark.parametrize(
    ("bound", "n", "message"),
    [
        (0, 4, "bound must be above 0"),
        (-1, 4, "bound must be above 0"),
        (np.inf, 4, "bound must be a finite number"),
        (1, 0, "n_boxes must be a whole number of at least 1"),
        (1, 2.0, "n_boxes must be a whole number"),
        (1, True, "n_boxes must be a whole number"),
        (5e-324, 4, "edges coincide"),
    ],
)
def test_the_cells_are_checked(bound, n, message):
    for build in (boxes.box_sum, boxes.adaptive_box_sum):
        with pytest.raises(ValueError, match=message):
            build(np.sin, bound, n)
    with pytest.raises(ValueError, match="more than memory holds"):
        boxes.box_sum(np.sin, 1, 10**17)
    with pytest.raises(ValueError, match="bound must be a finite number"):
        boxes.box_sum(np.sin, 10**400, 4)
    with pytest.raises(ValueError, match=r"biases\[0\] is inf"):
        boxes.box_sum(np.sin, np.finfo(float).max, 4)
    with pytest.raises(ValueError, match=r"output_weights\[2\] is inf"):
        boxes.box_sum(lambda x: 1.7e308 * np.sign(x), 1, 4)
    with pytest.raises(ValueError, match="the variation of f must be a finite number"):
        boxes.adaptive_box_sum(lambda x: 1e307 * np.sin(100 * x), 1, 4)
    with pytest.raises(ValueError, match="heights must be"):
        boxes.box_sum(np.sin, 1, 4, heights="left")
    with pytest.raises(TypeError, match="real numbers"):
        boxes.box_sum(lambda x: x * 1j, 1, 4)


@pytest.mark.parametrize("cells", [None, 2**12])
@pytest.mark.parametrize("n", [1, 5, 40, 300])
@pytest.mark.parametrize("steepness", [1, 20, 500])
def test_adaptive_boxes_are_within_half_a_share_of_the_variation(steepness, n, cells):
    def f(x):
        return np.tanh(steepness * x)

    network = boxes.adaptive_box_sum(f, 1, n, resolution=cells)
    assert network.neurons <= n + 1
    x = np.concatenate([fine(1, n), -network.biases])
    x = x[np.abs(x) <= 1]
    share = 2 * np.tanh(steepness) / (2 * n)
    between = steepness / (cells or 2**16)  # how far f moves within half a cell of the grid
    assert np.abs(network(x) - f(x)).max() <= (share + between) * (1 + 1e-12)


def test_adaptive_boxes_beat_equal_ones_where_f_is_steep_in_places():
    def f(x):
        return np.tanh(50 * x)

    x = fine(1, 40)
    equal = np.abs(boxes.box_sum(f, 1, 40)(x) - f(x)).max()
    adaptive = np.abs(boxes.adaptive_box_sum(f, 1, 40)(x) - f(x)).max()
    assert adaptive < equal / 10


def test_a_function_that_stands_still_takes_one_box():
    network = boxes.adaptive_box_sum(lambda x: 3 + 0 * x, 1, 10)
    assert network.neurons == 2
    np.testing.assert_array_equal(network([-1, 0.3, 1]), [3, 3, 3])


def test_a_jump_costs_nothing():
    network = boxes.adaptive_box_sum(lambda x: np.sign(x - 0.3), 1, 8)
    assert network.neurons == 3
    x = np.array([-1, -0.5, 0.29, 0.31, 0.5, 1])
    np.testing.assert_array_equal(network(x), np.sign(x - 0.3))


@given(st.floats(1e-6, 10), st.floats(0, 100), st.floats(1e-3, 100))
def test_the_number_of_boxes_is_the_least_that_does(error, lipschitz, bound):
    n = boxes.boxes_needed(error, lipschitz, bound)
    assert boxes.error_bound(lipschitz, bound, n) <= error * (1 + 4 * EPS)
    if n > 1:
        assert boxes.error_bound(lipschitz, bound, n - 1) >= error * (1 - 4 * EPS)


def test_a_number_counts_as_it_is_written():
    assert boxes.boxes_needed(0.01, 1, 1) == 100
    assert boxes.boxes_needed(0.1, 3, 0.7) == 21
    assert boxes.boxes_needed(1, 0, 5) == 1


def test_a_modulus_of_continuity_takes_half_a_cell():
    assert boxes.error_bound(np.sqrt, 2, 8) == 0.5
    for wrong in (-1, np.nan, "L", lambda _: -1, lambda _: np.nan):
        with pytest.raises(ValueError, match=r"Lipschitz|finite|modulus"):
            boxes.error_bound(wrong, 1, 1)
    with pytest.raises(ValueError, match="Lipschitz"):
        boxes.boxes_needed(0.1, -1, 1)
