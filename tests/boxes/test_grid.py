"""Boxes in d dimensions: the lookup against the two layers written out, and the counts."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib import boxes


def written_out(network, points):
    """Both hidden layers as matrices of steps."""
    a = np.asarray(points, dtype=float).T
    *hidden, (c, c0) = network.layers
    for W, b in hidden:
        a = np.heaviside(W @ a + b[:, None], 0)
    return (c @ a + c0[:, None])[0]


def near_edges(network, d, n=400):
    rng = np.random.default_rng(0)
    edges = network.edges
    some = np.concatenate([edges, np.nextafter(edges, 9), np.nextafter(edges, -9), [-9, 9]])
    return np.concatenate([rng.choice(some, size=(n, d)), rng.uniform(-1.2, 1.2, size=(n, d))])


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 1), (4, 2), (5, 2), (3, 3), (2, 4)])
def test_the_lookup_is_the_network(n, d):
    rng = np.random.default_rng(n)
    network = boxes.grid_sum(lambda x: rng.integers(1, 99, size=len(x)), 1, n, d)
    points = near_edges(network, d)
    np.testing.assert_array_equal(network(points), written_out(network, points))


@pytest.mark.parametrize(("n", "d"), [(1, 1), (6, 1), (98, 1), (4, 2), (5, 2), (3, 3), (2, 4)])
def test_the_counts_are_those_of_the_matrices(n, d):
    network = boxes.grid_sum(lambda x: 1 + 0 * x[:, 0], 1, n, d)
    counts = boxes.grid_counts(n, d)
    assert network.counts == counts
    arrays = [array for layer in network.layers for array in layer]
    assert counts.dense == sum(array.size for array in arrays)
    assert counts.nonzero == sum(np.count_nonzero(array) for array in arrays)
    hidden = [len(b) for _, b in network.layers[:-1]]
    assert [counts.first, counts.second] == hidden == [d * (n + 1), n**d]
    assert counts.neurons == sum(hidden)


def test_matrices_of_some_million_entries_are_written_out():
    network = boxes.grid_sum(lambda x: 1 + 0 * x[:, 0], 1, 2_500, 1)
    assert sum(array.size for layer in network.layers for array in layer) > 6_000_000


def test_counts_have_no_limit():
    assert boxes.grid_counts(100, 784).second == 100**784


def test_in_one_dimension_it_is_the_box_sum():
    grid, line = boxes.grid_sum(lambda x: np.sin(x[:, 0]), 2, 17, 1), boxes.box_sum(np.sin, 2, 17)
    x = near_edges(grid, 1)
    np.testing.assert_allclose(grid(x), line(x[:, 0]), atol=1e-14)  # 18 additions below 1


@pytest.mark.parametrize(("n", "d"), [(10, 2), (21, 3)])
def test_the_error_is_within_the_bound(n, d):
    def f(x):
        return np.sin(x).sum(axis=-1) / d  # slope 1 in the largest coordinate

    network = boxes.grid_sum(f, 1, n, d)
    points = np.random.default_rng(0).uniform(-1, 1, size=(20_000, d))
    error = np.abs(network(points) - f(points))
    assert error.max() <= boxes.error_bound(1, 1, n)


def test_corners_belong_to_it_and_nan_stays_nan():
    network = boxes.grid_sum(lambda _: 1.0, 1, 3, 2)
    corners = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    np.testing.assert_array_equal(network(corners), np.ones(4))
    np.testing.assert_array_equal(network([[-1.01, 0], [0, 1.01]]), [0, 0])
    assert np.isnan(network([np.nan, 0]))
    np.testing.assert_array_equal(network([[np.inf, 0], [0, -np.inf]]), [0, 0])
    assert network(np.array([[-1, 1]], dtype=np.longdouble)) == 1
    assert network(np.zeros((2, 3, 2))).shape == (2, 3)


def test_what_is_no_grid_is_refused():
    for edges, heights, message in [
        ([0, 1], np.ones((2, 2)), "1 cells"),
        ([0, 1, 2], np.ones((2, 3)), "2 cells"),
        ([1, 1, 2], np.ones(2), "above the one before"),
        ([1], np.ones(0), "at least two"),
        ([0, 1], np.ones(()), "1 cells"),
        ([0, np.inf], np.ones(1), r"edges\[1\] is inf"),
    ]:
        with pytest.raises(ValueError, match=message):
            boxes.GridNetwork(np.array(edges), heights)
    with pytest.raises(ValueError, match=r"points must be of shape \(..., 2\)"):
        boxes.grid_sum(lambda _: 1.0, 1, 2, 2)([1, 2, 3])
    with pytest.raises(ValueError, match="too many to write out"):
        _ = boxes.grid_sum(lambda _: 1.0, 1, 400, 2).layers
    for n, d in [(100, 10), (1, 64), (2000, 3)]:
        with pytest.raises(ValueError, match=rf"more than memory holds: grid_counts\({n}, {d}\)"):
            boxes.grid_sum(lambda _: 1.0, 1, n, d)
    with pytest.raises(ValueError, match="dimension must be a whole number"):
        boxes.grid_counts(3, 0)
    with pytest.raises(ValueError, match=r"of shape \(9,\), not \(9, 2\)"):
        boxes.grid_sum(lambda x: x, 1, 3, 2)
