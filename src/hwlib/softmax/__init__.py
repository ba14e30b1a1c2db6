r"""Softmax, its logarithm, its Jacobian and the cross-entropy, right at every finite input.

For scores :math:`z \in \mathbb{R}^n` and a temperature :math:`T > 0`,

.. math::

    y_i = \frac{e^{z_i/T}}{\sum_k e^{z_k/T}}, \qquad
    \frac{\partial y_i}{\partial z_j} = \frac{1}{T}\, y_i\,(\delta_{ij} - y_j), \qquad
    C(z, t) = -\sum_i t_i \log y_i .

Scores are finite, of any size, or :math:`-\infty` for a class that is masked out, as long as one
class of each example is not. ``float16``, ``float32`` and ``longdouble`` keep their type (the
first is computed in ``float32``); whole numbers become ``float64``; several arrays get their
common type. NumPy warns of nothing, and no argument is changed.

The chapters *The softmax Jacobian* and *From the Jacobian to the loss* derive what is computed
here. NumPy is all that this needs. For weights in the sum, or several axes at once, take
``scipy.special.logsumexp``.
"""

from hwlib.softmax._cross_entropy import cross_entropy, cross_entropy_gradient
from hwlib.softmax._jacobian import jacobian, jvp, vjp
from hwlib.softmax._probabilities import log_softmax, softmax

__all__ = [
    "cross_entropy",
    "cross_entropy_gradient",
    "jacobian",
    "jvp",
    "log_softmax",
    "softmax",
    "vjp",
]
