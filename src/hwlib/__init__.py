"""hwlib: the code of a deep-learning homework book.

Importing it loads no torch, cvxpy, matplotlib or scikit-learn: each sub-module is loaded when it
is first used (``hwlib.mlp`` or ``from hwlib import mlp``).
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwlib import backprop as backprop
    from hwlib import boxes as boxes
    from hwlib import claims as claims
    from hwlib import datasets as datasets
    from hwlib import figures as figures
    from hwlib import homework as homework
    from hwlib import lad as lad
    from hwlib import mlp as mlp
    from hwlib import softmax as softmax

__version__ = "0.1.0"
__all__ = [
    "backprop",
    "boxes",
    "claims",
    "datasets",
    "figures",
    "homework",
    "lad",
    "mlp",
    "softmax",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"hwlib.{name}")
    raise AttributeError(f"module 'hwlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
