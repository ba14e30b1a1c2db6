"""The deep networks with all weights written down."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib import boxes


def tent(x):
    return np.where(x < 0.5, 2 * x, 2 - 2 * x)


@pytest.mark.parametrize("depth", [1, 2, 3, 8, 20])
def test_the_sawtooth_is_the_tent_repeated(depth):
    x = np.random.default_rng(0).integers(0, 2**30, size=1000) / 2**30
    expected = x
    for _ in range(depth):
        expected = tent(expected)
    np.testing.assert_array_equal(boxes.sawtooth(depth)(x), expected)
    assert boxes.sawtooth(depth).neurons == 2 * depth


@pytest.mark.parametrize("depth", [1, 2, 5, 10])
def test_the_sawtooth_has_two_to_the_depth_pieces(depth):
    x = np.arange(2 ** (depth + 2) + 1) / 2 ** (depth + 2)
    slopes = np.diff(boxes.sawtooth(depth)(x)) * 2 ** (depth + 2)
    assert 1 + np.count_nonzero(np.diff(slopes)) == 2**depth
    np.testing.assert_array_equal(np.abs(slopes), np.full(len(slopes), 2.0**depth))


@pytest.mark.parametrize("depth", [1, 2, 3, 6, 10])
def test_the_square_is_the_polygon_through_the_parabola(depth):
    network = boxes.square_network(depth)
    grid = np.arange(2**depth + 1) / 2**depth
    np.testing.assert_array_equal(network(grid), grid**2)
    fine = np.arange(2 ** (depth + 3) + 1) / 2 ** (depth + 3)
    np.testing.assert_array_equal(network(fine), np.interp(fine, grid, grid**2))
    assert (network(fine) - fine**2).max() == 4.0 ** -(depth + 1)
    assert network.neurons == 3 * depth - 1


@pytest.mark.parametrize("error", [0.3, 1e-1, 4.0**-3, 1e-6, 1e-12, 2.0**-52])
def test_the_depth_is_the_least_that_does(error):
    k = boxes.square_depth(error)
    assert 4.0 ** -(k + 1) <= error
    assert k == 1 or 4.0**-k > error


def test_parameters_are_counted():
    network = boxes.square_network(3)
    assert network.parameters == sum(W.size + b.size for W, b in network.layers)
    assert network.parameters == (2 + 2) + (6 + 3) + (9 + 3) + (3 + 1)


def test_shape_is_kept():
    assert boxes.sawtooth(2)(np.zeros((2, 3))).shape == (2, 3)
    assert boxes.sawtooth(2)(0.25) == 1


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "the last layer must have one unit"),
        ([(np.ones((2, 1)), np.zeros(2))], "the last layer must have one unit"),
        ([(np.ones((2, 2)), np.zeros(2))], "layer 1 gets 1 numbers"),
        ([(np.ones((2, 1)), np.zeros(2)), (np.ones((1, 3)), np.zeros(1))], "layer 2 gets 2"),
        ([(np.ones((1, 1)), np.zeros(2))], "layer 1"),
        ([(np.full((1, 1), np.nan), np.zeros(1))], r"W\[0, 0\] is nan"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        boxes.ReLUNetwork(layers)


def test_depths_are_checked():
    for build in (boxes.sawtooth, boxes.square_network):
        for wrong in (0, -1, 1.5, True):
            with pytest.raises(ValueError, match="depth must be a whole number"):
                build(wrong)
    with pytest.raises(ValueError, match="lost"):
        boxes.square_network(501)
    with pytest.raises(ValueError, match="error must be above 0"):
        boxes.square_depth(0)
    with pytest.raises(ValueError, match="below the rounding"):
        boxes.square_depth(1e-20)
    for wrong in (5, [1], [(1, 2, 3)]):
        with pytest.raises(TypeError, match="layers must be pairs"):
            boxes.ReLUNetwork(wrong)
