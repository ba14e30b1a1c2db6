r"""Boxes in d dimensions: two hidden layers, and what they cost.

One step for each edge of each coordinate makes the first layer, d(N + 1) steps that all boxes
share. In the second layer a unit for each of the :math:`N^d` cells fires if its point has passed
the lower edge in every coordinate, and the upper one in none:

.. math::

    \sigma\Bigl(\sum_{k=1}^d \bigl[\sigma(x_k - e_{i_k}) - \sigma(x_k - e_{i_k+1})\bigr]
    - d + \tfrac12\Bigr) .

Just one of them fires at a point of the grid, so to evaluate the sum is to find its cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwlib.boxes._input import MOST_CELLS, Floats, Frozen, array, count, positive, real, values_of
from hwlib.boxes._steps import BLOCK, Layers
from hwlib.boxes._sums import Function, cells, opened

# Matrices with more entries than this are not written out.
MOST_ENTRIES = 10**7
# NumPy's arrays have up to 64 axes, and the points take one more than the grid.
MOST_DIMENSIONS = 63


@dataclass(frozen=True)
class GridCounts:
    """What a sum of N boxes in each of d dimensions takes, all in whole numbers.

    Attributes:
        first: Steps of the first hidden layer, d(N + 1).
        second: Units of the second, one for each box: N to the power d.
        dense: Weights and biases of the dense matrices, zeros included.
        nonzero: Those that are not zero, if no height is.
    """

    first: int
    second: int
    dense: int
    nonzero: int

    @property
    def neurons(self) -> int:
        """The units of both hidden layers."""
        return self.first + self.second


def grid_counts(n_boxes: int, dimension: int) -> GridCounts:
    r"""Neurons and parameters of :func:`grid_sum`, exactly, however large.

    A step sees one coordinate, a box 2d steps. Biases of steps are not zero but where an edge is,
    in the middle if N is even. The output bias is zero.

    Args:
        n_boxes: N, in each dimension.
        dimension: d.

    Raises:
        ValueError: An argument is not a whole number of at least 1.

    Example:
        >>> grid_counts(100, 2)
        GridCounts(first=202, second=10000, dense=2040607, nonzero=60402)
    """
    N, d = count("n_boxes", n_boxes), count("dimension", dimension)
    first, second = d * (N + 1), N**d
    dense = first * (d + 1) + second * (first + 1) + second + 1
    nonzero = 2 * first - (d if N % 2 == 0 else 0) + second * (2 * d + 1) + second
    return GridCounts(first, second, dense, nonzero)


@dataclass(frozen=True, eq=False)
class GridNetwork(Frozen):
    """A sum of boxes over the cells of a grid, as a network with two hidden layers of steps.

    Attributes:
        edges: (N + 1,) in order, the same in each dimension.
        heights: (N, ..., N), one axis for each of the d dimensions.

    Raises:
        ValueError: Shapes do not fit, an entry is not finite, or edges do not increase.
    """

    edges: Floats
    heights: Floats

    def __post_init__(self) -> None:
        for name in ("edges", "heights"):
            object.__setattr__(self, name, array(name, getattr(self, name)))
        N = self.edges.size - 1
        if self.edges.ndim != 1 or N < 1 or not (self.edges[:-1] < self.edges[1:]).all():
            raise ValueError("edges must be at least two numbers, each above the one before")
        if self.heights.ndim < 1 or set(self.heights.shape) != {N}:
            raise ValueError(
                f"{N + 1} edges make {N} cells: heights must have {N} entries along each axis, "
                f"not be of shape {self.heights.shape}"
            )

    @property
    def counts(self) -> GridCounts:
        """Its neurons and parameters."""
        return grid_counts(len(self.edges) - 1, self.heights.ndim)

    @property
    def layers(self) -> Layers:
        """(weights, biases) of both hidden layers and of the output, written out.

        Raises:
            ValueError: They have more than ten million entries.
        """
        d, N, counts = self.heights.ndim, len(self.edges) - 1, self.counts
        if counts.dense > MOST_ENTRIES:
            raise ValueError(
                f"the matrices would have {counts.dense:,} entries: too many to write out"
            )
        first = np.repeat(np.eye(d), N + 1, axis=0), np.tile(-self.edges, d)
        cell = np.stack(np.unravel_index(np.arange(N**d), self.heights.shape), axis=1)
        lower = cell + (N + 1) * np.arange(d)
        ands = np.zeros((N**d, d * (N + 1)))
        np.put_along_axis(ands, lower, 1.0, axis=1)
        np.put_along_axis(ands, lower + 1, -1.0, axis=1)
        second = ands, np.full(N**d, 0.5 - d)
        return first, second, (self.heights.reshape(1, -1), np.zeros(1))

    def __call__(self, points: ArrayLike) -> Floats:
        """The output at each point.

        Args:
            points: (..., d).

        Returns:
            (...) outputs in float64: the height of the cell, 0 outside the grid and at infinity,
            NaN at NaN.

        Raises:
            TypeError: The points are not real numbers.
            ValueError: The last axis is not d.
        """
        x, d = real("points", points), self.heights.ndim
        x = x.astype(np.result_type(x, np.float64), copy=False)
        if x.ndim == 0 or x.shape[-1] != d:
            raise ValueError(f"points must be of shape (..., {d}), not {x.shape}")
        flat = x.reshape(-1, d)
        y = np.empty(len(flat))
        for start in range(0, len(flat), BLOCK):
            part = slice(start, start + BLOCK)
            y[part] = self._at(flat[part])
        return y.reshape(x.shape[:-1])[()]

    def _at(self, x: Floats) -> Floats:
        N, shape = len(self.edges) - 1, self.heights.shape
        cell = [np.searchsorted(self.edges, coordinate) - 1 for coordinate in x.T]
        index = np.ravel_multi_index(cell, shape, mode="clip")
        y: Floats = self.heights.ravel()[index]
        for k in cell:
            y[(k < 0) | (k >= N)] = 0
        y[np.isnan(x).any(axis=1)] = np.nan
        return y


def grid_sum(f: Function, bound: float, n_boxes: int, dimension: int) -> GridNetwork:
    r"""F on the cube [−B, B]ᵈ as boxes of the same size, N in each dimension.

    The height of a box is f in the middle of its cell, so the error is at most
    :math:`\omega(\delta/2)`, where ω(t) is the most by which f differs between points whose
    coordinates are no more than t apart: :func:`error_bound`.

    Args:
        f: Called once, with points of shape (Nᵈ, d); returns Nᵈ numbers.
        bound: B > 0.
        n_boxes: N.
        dimension: d.

    Raises:
        ValueError: An argument is out of range, the grid is larger than memory, or f returns
            another shape or a value that is not finite.

    The cost grows with Nᵈ, which :func:`grid_counts` tells beforehand. Beyond three or four
    dimensions take a trained network.

    Source:
        The chapter *The curse of dimensionality*.

    Example:
        >>> network = grid_sum(lambda x: x.sum(axis=-1), bound=1, n_boxes=2, dimension=2)
        >>> network([[-0.3, -0.3], [0.3, -0.3], [0.3, 3]])
        array([-1.,  0.,  0.])
    """
    B, N, d = positive("bound", bound), count("n_boxes", n_boxes), count("dimension", dimension)
    if d > MOST_DIMENSIONS or d * N**d > MOST_CELLS:
        raise ValueError(
            f"a grid of {N:,} boxes in each of {d} dimensions is more than memory holds: "
            f"grid_counts({N}, {d}) says what it would take"
        )
    edges, middles = cells(B, N)
    points = np.empty((N,) * d + (d,))
    for k in range(d):
        points[..., k] = middles.reshape((-1,) + (1,) * (d - 1 - k))
    heights = values_of(f, points.reshape(-1, d), (N**d,))
    return GridNetwork(opened(edges), heights.reshape((N,) * d))
