"""The softmax and the cross-entropy, which belong together: their gradient is p − [k = y]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]  # of float32 or float64


class CrossEntropy:
    r"""The mean of :math:`C(z, y) = \log\sum_k e^{z_k} - z_y` over m rows, and its gradient.

    The largest z of each row is taken off first: that changes neither, and no exponential
    overflows. NumPy's reductions along short rows are slow; argmax, take and a product with ones
    are not.

    Args:
        z: (m, K), the scores; read at each :meth:`forward`.
        delta: (m, K), which :meth:`backward` fills.
    """

    def __init__(self, z: Matrix, delta: Matrix) -> None:
        m, n_classes = z.shape
        self._z, self._e, self._flat = z, delta, delta.ravel()
        self._first = np.arange(m) * n_classes  # of each row, in the flat array
        self._at = np.empty(m, np.int64)
        self._picked, self._total = np.empty(m, z.dtype), np.empty(m, z.dtype)
        self._picked_column, self._total_column = self._picked[:, None], self._total[:, None]
        self._losses, self._share = np.empty(m, z.dtype), np.full(m, 1 / m, z.dtype)
        self._ones = np.ones(n_classes, z.dtype)

    def forward(self, y: NDArray[np.int64]) -> float:
        """The mean loss with these labels, (m,)."""
        at, picked, losses, e = self._at, self._picked, self._losses, self._e
        self._z.argmax(axis=1, out=at)
        np.add(at, self._first, out=at)
        self._z.take(at, out=picked, mode="clip")  # "clip" writes without a copy
        np.subtract(self._z, self._picked_column, out=e)
        np.add(y, self._first, out=at)
        self._flat.take(at, out=picked, mode="clip")
        np.exp(e, out=e)
        e.dot(self._ones, out=self._total)
        np.log(self._total, out=losses)
        np.subtract(losses, picked, out=losses)
        return float(losses.dot(self._share))

    def backward(self) -> None:
        """After :meth:`forward`, fill delta with (p − [k = y]) / m."""
        picked = self._picked
        np.divide(self._e, self._total_column, out=self._e)
        self._flat.take(self._at, out=picked, mode="clip")
        np.subtract(picked, 1, out=picked)
        self._flat[self._at] = picked
        if len(picked) > 1:
            np.multiply(self._e, self._share[0], out=self._e)


def softmax(z: Matrix) -> NDArray[np.float64]:
    """The probabilities of each row, in float64."""
    e = z.astype(np.float64)
    e -= e.max(axis=1, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=1, keepdims=True)
    return e
