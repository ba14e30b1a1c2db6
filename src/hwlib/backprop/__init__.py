r"""Back-propagation from scratch: dense networks in NumPy, trained by their own gradients.

A network with layers of :math:`n_0, n_1, \dots, n_L` units maps a row
:math:`x \in \mathbb{R}^{n_0}` to class probabilities by

.. math::

    a_0 = x, \qquad
    z_\ell = W_\ell a_{\ell-1} + b_\ell, \qquad
    a_\ell = f(z_\ell) \quad (\ell < L), \qquad
    p = \operatorname{softmax}(z_L),

with a ReLU, a sigmoid or a hyperbolic tangent for f. It is trained on the mean cross-entropy
:math:`-\log p_y`, whose gradients one pass from the last layer to the first finds.

Examples are rows here, so layer :math:`\ell` keeps :math:`W_\ell^\top`, of shape
(:math:`n_{\ell-1}`, :math:`n_\ell`). Inputs are taken as they are: divide grey levels by 255.

The chapter *Back-propagation from scratch* derives what this module computes. For the same
networks on an accelerator take :mod:`hwlib.mlp`; for other layers or losses, PyTorch.
"""

from hwlib.backprop._gradient_check import GradientCheck, gradient_check
from hwlib.backprop._network import Network
from hwlib.backprop._training import History

__all__ = ["GradientCheck", "History", "Network", "gradient_check"]
