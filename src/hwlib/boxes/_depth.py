r"""What depth buys: two networks of ReLUs on [0, 1] with all weights written down.

The tent :math:`g(x) = 2\max(x, 0) - 4\max(x - \tfrac12, 0)` goes up to 1 and down again on [0, 1].
Put into itself k times it goes up and down :math:`2^{k-1}` times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwlib.boxes._input import Floats, Frozen, array, count, positive, real
from hwlib.boxes._steps import Layers

# Not far beyond this, 4^k is no number in float64.
DEEPEST = 500
# The rounding of x² itself, of which an error is measured.
ROUNDING = 2.0**-52


@dataclass(frozen=True, eq=False)
class ReLUNetwork(Frozen):
    r"""A network of ReLUs on the line: :math:`a_\ell = \max(0, W_\ell a_{\ell-1} + b_\ell)`.

    Attributes:
        layers: (W, b) of each hidden layer, then of the output; W of shape (units, inputs). The
            first takes one number, and the output is one.

    Raises:
        TypeError: An array does not hold real numbers.
        ValueError: Shapes do not fit, or an entry is not finite.
    """

    layers: Layers

    def __post_init__(self) -> None:
        try:
            pairs = [(W, b) for W, b in self.layers]
        except (TypeError, ValueError) as error:
            raise TypeError(
                "layers must be pairs of weights and biases, one for a layer"
            ) from error
        layers = tuple((array("W", W), array("b", b)) for W, b in pairs)
        object.__setattr__(self, "layers", layers)
        width = 1
        for number, (W, b) in enumerate(layers, 1):
            if W.ndim != 2 or W.shape[1] != width or b.shape != W.shape[:1]:
                raise ValueError(
                    f"layer {number} gets {width} numbers: its W must be (units, {width}) and "
                    f"its b (units,), not {W.shape} and {b.shape}"
                )
            width = len(b)
        if not layers or width != 1:
            raise ValueError("the last layer must have one unit, the output")

    @property
    def neurons(self) -> int:
        """The units of all hidden layers."""
        return sum(len(b) for _, b in self.layers[:-1])

    @property
    def parameters(self) -> int:
        """All weights and biases."""
        return sum(W.size + b.size for W, b in self.layers)

    def __call__(self, x: ArrayLike) -> Floats:
        """The output at each number, in float64.

        Raises:
            TypeError: x does not hold real numbers.
        """
        numbers = real("x", x).astype(np.float64)
        a = numbers.reshape(1, -1)
        with np.errstate(over="ignore", invalid="ignore"):
            for W, b in self.layers[:-1]:
                a = np.maximum(W @ a + b[:, None], 0)
            W, b = self.layers[-1]
            return (W @ a + b[:, None]).reshape(numbers.shape)[()]


def sawtooth(depth: int) -> ReLUNetwork:
    r"""The tent, k times into itself: :math:`2^k` straight pieces on [0, 1] from 2k ReLUs.

    One hidden layer needs :math:`2^k - 1` units for as many pieces. All weights are small whole
    numbers and halves, so at dyadic points of up to 52 digits nothing is rounded.

    Args:
        depth: K, the number of hidden layers.

    Raises:
        ValueError: The depth is not a whole number of at least 1.

    Source:
        M. Telgarsky, *Benefits of depth in neural networks*, COLT 2016,
        https://proceedings.mlr.press/v49/telgarsky16.html.

    Example:
        >>> sawtooth(2)([0, 0.25, 0.5, 0.75, 1])
        array([0., 1., 0., 1., 0.])
    """
    k = count("depth", depth)
    tent, bias = np.array([[2.0, -4.0]]), np.array([0.0, -0.5])
    first = np.ones((2, 1)), bias
    inner = np.repeat(tent, 2, axis=0), bias
    return ReLUNetwork((first, *[inner] * (k - 1), (tent, np.zeros(1))))


def square_network(depth: int) -> ReLUNetwork:
    r"""X² on [0, 1] up to :math:`4^{-(k+1)}`, from 3k − 1 ReLUs.

    With :math:`g_s` the sawtooth of s layers, :math:`x - \sum_{s=1}^k g_s(x)/4^s` is the polygon
    through the parabola at the :math:`2^k + 1` points of a dyadic grid, and lies above it. Besides
    the two units of the tent a layer has one that carries the sum so far, which is never negative.

    Args:
        depth: K, the number of hidden layers.

    Raises:
        ValueError: The depth is not a whole number from 1 to 500.

    Source:
        D. Yarotsky, *Error bounds for approximations with deep ReLU networks*, Neural Networks 94,
        2017, https://doi.org/10.1016/j.neunet.2017.07.002.

    Example:
        >>> float(square_network(1)(0.5)), float(square_network(2)(0.25))
        (0.25, 0.0625)
    """
    k = count("depth", depth)
    if k > DEEPEST:
        raise ValueError(f"depth is {k}, but 4 to the power of -{k} is lost beside any square")
    layers = [(np.ones((2, 1)), np.array([0.0, -0.5]))]
    tent, total = np.array([2.0, -4.0]), np.array([1.0, 0.0])  # in terms of the units so far
    for s in range(1, k + 1):
        total = total - tent / 4**s
        if s < k:
            layers.append((np.stack([tent, tent, total]), np.array([0.0, -0.5, 0.0])))
            tent, total = np.array([2.0, -4.0, 0.0]), np.array([0.0, 0.0, 1.0])
    return ReLUNetwork((*layers, (total[None], np.zeros(1))))


def square_depth(error: float) -> int:
    r"""The least depth for which :func:`square_network` is within ``error`` of x².

    Args:
        error: The wanted error, at least 2⁻⁵²: float64 does not hold x² more closely.

    Raises:
        ValueError: The error is not a finite number, or too small.

    Example:
        >>> square_depth(1e-6)
        9
    """
    wanted, k = positive("error", error), 1
    if wanted < ROUNDING:
        raise ValueError(f"error is {error!r}, below the rounding of x² in float64, {ROUNDING:.1e}")
    while 4.0 ** -(k + 1) > wanted:
        k += 1
    return k
