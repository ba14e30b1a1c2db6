r"""Dense ReLU networks for pictures of ten kinds of clothing, in PyTorch.

A network with layers of sizes :math:`n_0, n_1, \dots, n_L` maps a picture
:math:`x \in [0, 1]^{n_0}` to class probabilities by

.. math::

    a_0 = x, \qquad
    a_\ell = \max(0,\; W_\ell a_{\ell-1} + b_\ell) \quad (\ell < L), \qquad
    p = \operatorname{softmax}(W_L a_{L-1} + b_L),

and is trained by stochastic gradient descent on the mean cross-entropy. With two sizes there is
no hidden layer, and this is logistic regression.

Pictures are arrays whose first axis counts them. One rule turns them into :math:`x`, everywhere in
this module: integers are grey levels 0…255 and are divided by 255, floating-point numbers are
levels already in [0, 1], booleans are 0 and 1; each picture is then flattened.

This module loads torch, which comes with the extra ``torch``. The chapters *FashionMNIST: a dense
network* and *As far as a dense network goes* derive what it computes.
"""

from hwlib._extras import require

require("torch", "torch")  # ahead of the modules below: where torch is missing, this names the cure

from hwlib.mlp._network import SIZES, build, parameter_count  # noqa: E402
from hwlib.mlp._prediction import evaluate, predict, predict_proba  # noqa: E402
from hwlib.mlp._recipes import RECIPES, Recipe  # noqa: E402
from hwlib.mlp._storage import load, save  # noqa: E402
from hwlib.mlp._training import Data, History, train  # noqa: E402
from hwlib.mlp._variants import variants  # noqa: E402

__all__ = [
    "RECIPES",
    "SIZES",
    "Data",
    "History",
    "Recipe",
    "build",
    "evaluate",
    "load",
    "parameter_count",
    "predict",
    "predict_proba",
    "save",
    "train",
    "variants",
]
