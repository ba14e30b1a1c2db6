r"""Least absolute deviations, and any other quantile, each fit with a proof that it is optimal.

With weights :math:`v_i`, a quantile :math:`\tau` and :math:`r = y - Xw`,

.. math::

    \min_w \sum_{i=1}^n v_i\,\rho_\tau(r_i), \quad \rho_\tau(r) = \max(\tau r, (\tau - 1) r)
    \qquad \Longleftrightarrow \qquad
    \max_a y^\top a \ \text{ subject to } \ X^\top a = 0,\ v_i(\tau - 1) \le a_i \le v_i \tau .

A fit holds w and a, and a bound on how far w can be from the optimum, rounding included. The
chapters *The ℓ1 loss*, *Solving it fast* and *A million rows* derive what is computed here.

NumPy and SciPy are all that this needs; :class:`LADRegressor` loads scikit-learn on first use.
"""

from typing import TYPE_CHECKING, Any

from hwlib.lad._certificate import Certificate
from hwlib.lad._fit import LADFit, NotCertifiedWarning, fit, verify

if TYPE_CHECKING:
    from hwlib.lad._estimator import LADRegressor as LADRegressor

__all__ = ["Certificate", "LADFit", "LADRegressor", "NotCertifiedWarning", "fit", "verify"]


def __getattr__(name: str) -> Any:
    if name == "LADRegressor":
        from hwlib.lad._estimator import LADRegressor

        return LADRegressor
    raise AttributeError(f"module 'hwlib.lad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "LADRegressor"])
