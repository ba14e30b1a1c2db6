r"""One layer: its way forward, its way back, and what it learns from it.

For a batch of m examples, one in each row, with
:math:`\delta_\ell = \partial \bar C/\partial z_\ell` and :math:`\bar C` the mean loss:

.. math::

    z_\ell = a_{\ell-1} W_\ell^\top + b_\ell, \qquad a_\ell = f(z_\ell), \qquad
    \frac{\partial\bar C}{\partial a_{\ell-1}} = \delta_\ell W_\ell, \qquad
    \frac{\partial\bar C}{\partial W_\ell^\top} = a_{\ell-1}^\top \delta_\ell, \qquad
    \frac{\partial\bar C}{\partial b_\ell} = \delta_\ell^\top 1 .
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas
from scipy.special import expit

Matrix = NDArray[Any]  # of float32 or float64
GEMM = {"f": blas.sgemm, "d": blas.dgemm}
GEMV = {"f": blas.sgemv, "d": blas.dgemv}


class Layer:
    """A layer with its buffers for m rows; nothing is allocated once it stands.

    Attributes:
        W: (n_in, n_out), read here and written by whoever owns it.
        b: (n_out,).
        a_in: (m, n_in), the output of the layer below, shared with it.
        a: (m, n_out), the output; f is applied in place of z.
        delta: (m, n_out), ∂/∂a from the layer above until :meth:`backward` makes it ∂/∂z.
        delta_in: (m, n_in), ``delta`` of the layer below; None at the first layer.
    """

    def __init__(
        self, W: Matrix, b: Matrix, a_in: Matrix, delta_in: Matrix | None, activation: str | None
    ) -> None:
        self.W, self.b, self.a_in, self.delta_in = W, b, a_in, delta_in
        self.a = np.empty((len(a_in), len(b)), W.dtype)
        self.delta = np.empty_like(self.a)
        self._f = None if activation is None else ACTIVATIONS[activation](self.a)
        self._ones = np.ones(len(a_in), W.dtype)
        self._gemm, self._gemv = GEMM[W.dtype.char], GEMV[W.dtype.char]

    def forward(self) -> None:
        """A = f(a_in W + b)."""
        self.a_in.dot(self.W, out=self.a)
        np.add(self.a, self.b, out=self.a)
        if self._f is not None:
            self._f.forward(self.a)

    def backward(self) -> None:
        """Multiply ∂/∂a by f′ for ∂/∂z, and pass ∂/∂a_in = δWᵀ on to the layer below."""
        if self._f is not None:
            self._f.backward(self.a, self.delta)
        if self.delta_in is not None:
            self.delta.dot(self.W.T, out=self.delta_in)

    def add_gradient(self, dW: Matrix, db: Matrix, scale: float = 1.0, keep: float = 0.0) -> None:
        """``dW = keep·dW + scale·a_inᵀδ`` and the same for b, each in one call of the BLAS.

        With W and b for dW and db, −η for the scale and 1 for what is kept, that is a whole step
        of gradient descent, and the gradient is never written down.
        """
        # The BLAS works in place on column-major arrays: the transposes of these, without a copy.
        # The last numbers: offsets 0 and strides 1 of the vectors, "A as it stands", "write here".
        self._gemm(scale, self.delta.T, self.a_in.T, keep, dW.T, 0, 1, 1)
        self._gemv(scale, self.delta.T, self._ones, keep, db, 0, 1, 0, 1, 0, 1)


class Activation(Protocol):
    """A function f of one number with a derivative that its value determines.

    Constants are kept as whole arrays: NumPy takes up to four times as long with a number.
    """

    def __init__(self, like: Matrix) -> None:
        """Buffers for arrays of that shape and dtype."""

    def forward(self, z: Matrix) -> None:
        """Replace z by a = f(z)."""

    def backward(self, a: Matrix, delta: Matrix) -> None:
        """Multiply δ by f′(z), written in terms of a = f(z)."""


class ReLU:
    """f(z) = max(0, z), f′ = 1 where a > 0, else 0 (also at the kink)."""

    def __init__(self, like: Matrix) -> None:
        self._zero = np.zeros_like(like)
        self._is_on = np.empty(like.shape, bool)

    def forward(self, z: Matrix) -> None:
        np.maximum(z, self._zero, out=z)

    def backward(self, a: Matrix, delta: Matrix) -> None:
        np.greater(a, self._zero, out=self._is_on)
        np.multiply(delta, self._is_on, out=delta)


class Sigmoid:
    """f(z) = 1/(1 + e⁻ᶻ), f′ = a(1 − a)."""

    def __init__(self, like: Matrix) -> None:
        self._one, self._slope = np.ones_like(like), np.empty_like(like)

    def forward(self, z: Matrix) -> None:
        expit(z, out=z)

    def backward(self, a: Matrix, delta: Matrix) -> None:
        np.subtract(self._one, a, out=self._slope)
        np.multiply(self._slope, a, out=self._slope)
        np.multiply(delta, self._slope, out=delta)


class Tanh:
    """f(z) = tanh z, f′ = 1 − a²."""

    def __init__(self, like: Matrix) -> None:
        self._one, self._slope = np.ones_like(like), np.empty_like(like)

    def forward(self, z: Matrix) -> None:
        np.tanh(z, out=z)

    def backward(self, a: Matrix, delta: Matrix) -> None:
        np.multiply(a, a, out=self._slope)
        np.subtract(self._one, self._slope, out=self._slope)
        np.multiply(delta, self._slope, out=delta)


ACTIVATIONS: dict[str, type[Activation]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}
