r"""One hidden layer of unit steps, evaluated by looking up where x lies among the thresholds.

A step fires if :math:`\operatorname{fl}(\operatorname{fl}(w x) + b) > 0`. A sum of two
floating-point numbers never rounds to 0 or past it, so this is :math:`\operatorname{fl}(wx) > -b`;
and rounding is monotone, so for w > 0 there is a largest number t that does not fire, and all
above it do. With the exact t of every step in hand, a point needs a binary search instead of m
products, and meets the same decisions bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.boxes._input import Floats, Frozen, array, finite, real

# A product of n points and m steps is formed in blocks of so many numbers.
BLOCK = 2**20
# The rounded quotient −b/w is next to the threshold, unless products underflow.
NEIGHBOURS = 3
# So many points at a time stay in the cache.
CHUNK = 2**14

Layers = tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True, eq=False)
class StepNetwork(Frozen):
    r"""One hidden layer of unit steps, and a linear output.

    .. math::

        x \mapsto c_0 + \sum_{i=1}^m c_i\,\sigma(w_i^\top x + b_i),
        \qquad \sigma(z) = 1 \text{ if } z > 0, \text{ else } 0 .

    The weights are the whole truth. Each step decides by the sign of :math:`w_i^\top x + b_i` as
    floating-point arithmetic gives it, product after product and then the bias, in float64 or, for
    longer points, in their own type. The output is off the exact sum by at most
    :math:`m\,\varepsilon \sum_{i \ge 0} |c_i|`, and exact if no partial sum is rounded. On a line
    a point takes :math:`O(\log m)`, and :math:`O(1)` among thresholds at equal distances.

    Attributes:
        weights: (m,) for numbers as input; (m, d) for points in d dimensions.
        biases: (m,) b.
        output_weights: (m,) c.
        output_bias: c₀.

    Raises:
        TypeError: An array does not hold real numbers.
        ValueError: Shapes do not fit, or an entry is not finite.

    Source:
        The chapter *Box sums*.

    Example:
        >>> box = StepNetwork([1, 1], [0, -0.5], [3, -3])
        >>> box([0, 0.25, 0.5, 0.75])
        array([0., 3., 3., 0.])
    """

    weights: Floats
    biases: Floats
    output_weights: Floats
    output_bias: float = 0.0

    def __post_init__(self) -> None:
        for name in ("weights", "biases", "output_weights"):
            object.__setattr__(self, name, array(name, getattr(self, name)))
        object.__setattr__(self, "output_bias", finite("output_bias", self.output_bias))
        if self.weights.ndim not in (1, 2) or 0 in self.weights.shape[1:]:
            raise ValueError(f"weights must be of shape (m,) or (m, d), not {self.weights.shape}")
        for name in ("biases", "output_weights"):
            if getattr(self, name).shape != self.weights.shape[:1]:
                raise ValueError(
                    f"{name} must hold one number for each of the {len(self.weights)} steps, "
                    f"not be of shape {getattr(self, name).shape}"
                )

    @property
    def neurons(self) -> int:
        """M, the number of steps."""
        return len(self.weights)

    @property
    def layers(self) -> Layers:
        """(weights, biases) of the hidden layer and of the output, as matrices and vectors."""
        weights = self.weights if self.weights.ndim == 2 else self.weights[:, None]
        output = self.output_weights[None], np.array([self.output_bias])
        return (weights, self.biases), output

    def __call__(self, x: ArrayLike) -> Floats:
        """The output at each point.

        Args:
            x: Of any shape, where weights are (m,); of shape (..., d), where they are (m, d).

        Returns:
            The outputs in float64, of the shape of x without the axis of d. NaN gives NaN.

        Raises:
            TypeError: x does not hold real numbers.
            ValueError: The last axis of x is not d.
        """
        points = real("x", x)
        points = points.astype(np.result_type(points, np.float64), copy=False)
        if self.weights.ndim == 1:
            return self._on_the_line(points)
        if points.ndim == 0 or points.shape[-1] != self.weights.shape[1]:
            d = self.weights.shape[1]
            raise ValueError(f"x must be of shape (..., {d}), not {points.shape}")
        if self.weights.shape[1] == 1:
            return self._on_the_line(points[..., 0])
        return self._in_space(points)

    def _on_the_line(self, x: Floats) -> Floats:
        lookup = self._lookup if x.dtype == np.float64 else _Lookup.of(self, x.dtype)
        y = lookup(x.ravel()).reshape(x.shape)
        undefined = np.isnan(x) | (np.isinf(x) if lookup.has_constant_step else False)
        if undefined.any():
            y = np.where(undefined, np.nan, y)
        return y[()]

    def _in_space(self, points: Floats) -> Floats:
        flat = points.reshape(-1, points.shape[-1])
        y = np.empty(len(flat))
        size = max(1, BLOCK // max(1, self.neurons))
        for start in range(0, len(flat), size):
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                z = self._before_the_step(flat[start : start + size])
            y[start : start + size] = (z > 0) @ self.output_weights + self.output_bias
            y[start : start + size][np.isnan(z).any(axis=1)] = np.nan
        return y.reshape(points.shape[:-1])[()]

    def _before_the_step(self, x: Floats) -> Floats:
        """W x + b, in an order that does not depend on how many points there are."""
        z: Floats = x[:, :1] * self.weights[:, 0]
        for k in range(1, x.shape[1]):
            z += x[:, k : k + 1] * self.weights[:, k]
        z += self.biases
        return z

    @cached_property
    def _lookup(self) -> _Lookup:
        return _Lookup.of(self, np.dtype(np.float64))


@dataclass(frozen=True, eq=False)
class _Lookup:
    """The output as a function of the number of edges below x.

    Attributes:
        edges: (m,) in order; some step changes between an edge and the next number above it.
        values: (m + 1,) outputs.
        has_constant_step: Whether a weight is 0: then 0·∞ makes the output undefined.
        spacing: The distance between edges, if it is the same up to a quarter; None if not.
    """

    edges: Floats
    values: Floats
    has_constant_step: bool
    spacing: float | None

    def __call__(self, x: Floats) -> Floats:
        """The output at each number of a vector."""
        if len(x) > len(self.edges) and (x[:-1] <= x[1:]).all():
            # In order, which plots are: then each output is a run, and its end is looked up.
            ends = np.searchsorted(x, self.edges, side="right")
            return np.repeat(self.values, np.diff(ends, prepend=0, append=len(x)))
        if self.spacing is not None:
            parts = [self._by_arithmetic(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)]
            return np.concatenate([np.zeros(0), *parts])
        values: Floats = self.values[np.searchsorted(self.edges, x)]
        return values

    def _by_arithmetic(self, x: Floats) -> Floats:
        """Guess the edge below x from its distance to the first one, and look at its neighbours."""
        edges, most = self.edges, len(self.edges) - 2
        with np.errstate(over="ignore", invalid="ignore"):
            guess = (x - edges[0]) / self.spacing
        below = np.fmin(np.fmax(guess, 0), most).astype(np.intp)  # NaN becomes 0
        count = below + (edges[below] < x)
        count += edges[1:][below] < x
        values: Floats = self.values[count]
        return values

    @classmethod
    def of(cls, network: StepNetwork, dtype: np.dtype[Any]) -> _Lookup:
        w, b = network.weights.ravel().astype(dtype), network.biases.astype(dtype)
        c = network.output_weights
        rises, falls = w > 0, w < 0
        constant = c[(w == 0) & (b > 0)].sum() + network.output_bias
        # A step that falls is on up to the last number below −(threshold of −w).
        off = -_last_at_rest(-w[falls], b[falls])
        with np.errstate(over="ignore"):
            off = np.nextafter(off, dtype.type(-np.inf))
        edges = np.concatenate([_last_at_rest(w[rises], b[rises]), off])
        order = np.argsort(edges, kind="stable")
        on = np.concatenate([c[rises], np.zeros(len(off))])[order]
        still_on = np.concatenate([np.zeros(len(edges) - len(off)), c[falls]])[order]
        values = np.zeros(len(edges) + 1)
        with np.errstate(over="ignore", invalid="ignore"):
            np.cumsum(on, out=values[1:])
            if len(off):
                values[:-1] += np.cumsum(still_on[::-1])[::-1]
            values += constant
        edges = edges[order]
        return cls(edges, values, bool((w == 0).any()), _spacing(edges))


def _spacing(edges: Floats) -> float | None:
    """The distance between neighbours, if all are where it puts them, up to a quarter of it."""
    m = len(edges)
    if m < 3 or not np.isfinite(edges[[0, -1]]).all():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        spacing = float(edges[-1] / (m - 1) - edges[0] / (m - 1))
        off = np.abs(edges - (edges[0] + spacing * np.arange(m)))
        return spacing if spacing > 0 and float(off.max()) <= spacing / 4 else None


def _last_at_rest(w: Floats, b: Floats) -> Floats:
    """For w > 0, the largest number t, or −∞, with fl(w t) ≤ −b."""
    above = w.dtype.type(np.inf)
    limits = np.finfo(w.dtype)
    with np.errstate(over="ignore", under="ignore"):
        t: Floats = np.clip(-b / w, limits.min, limits.max)
        if (w == 1).all():
            return t
        for _ in range(NEIGHBOURS):
            after = np.nextafter(t, above)
            t = np.where(w * after <= -b, after, t)
            t = np.where(w * t > -b, np.nextafter(t, -above), t)
        unsure = (w * t > -b) | (w * np.nextafter(t, above) <= -b)
        if unsure.any():
            t[unsure] = _bisected(t[unsure], w[unsure], b[unsure])
    return t


def _bisected(t: Floats, w: Floats, b: Floats) -> Floats:
    """The same where products underflow, so that many t give one product."""
    limits = np.finfo(w.dtype)
    spread = 4 * (limits.eps * np.abs(t) + limits.smallest_subnormal / w)
    low, high = t - spread, t + spread
    while True:
        middle = low + (high - low) / 2
        inside = (low < middle) & (middle < high)
        if not inside.any():
            return low
        fires = w * middle > -b
        high = np.where(inside & fires, middle, high)
        low = np.where(inside & ~fires, middle, low)
