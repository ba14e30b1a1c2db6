r"""Least absolute deviations, and any quantile, with a proof of optimality."""

from hwlib.lad._certificate import Certificate
from hwlib.lad._fit import LADFit, NotCertifiedWarning, fit, verify

__all__ = ["Certificate", "LADFit", "NotCertifiedWarning", "fit", "verify"]
