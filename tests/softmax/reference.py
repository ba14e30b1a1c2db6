"""The softmax in 50 digits, and bounds on its rounding, both entry by entry."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
import numpy as np

mpmath.mp.dps = 50
# NumPy's exp and log1p are within 3 units in the last place in float32, and better elsewhere.
FUNCTION = 6


def exact(value):
    """A floating-point number, longdouble too, as an mpf."""
    if not np.isfinite(value):
        return mpmath.mpf(float(value))
    mantissa, power = np.frexp(value)
    high = float(mantissa)
    low = float(mantissa - mantissa.dtype.type(high))
    return mpmath.ldexp(mpmath.mpf(high) + mpmath.mpf(low), int(power))


def least(dtype):
    """The least normal number."""
    return exact(np.finfo(dtype).smallest_normal)


def roundoff(dtype):
    return float(np.finfo(dtype).eps) / 2


@dataclass(frozen=True)
class Reference:
    """One vector of scores: its softmax in 50 digits.

    Attributes:
        x: (max − z)/T.
        y: Probabilities.
        rest: 1 − y.
        logs: Logarithms of the probabilities.
        off: By how many units of roundoff, relative to itself, each probability may be off.
            (In an array, terms are added in groups, and may be off by 110 more.)
    """

    x: list
    y: list
    rest: list
    logs: list
    off: list

    @classmethod
    def of(cls, z, temperature=1.0):
        scores = [exact(value) for value in z]
        top, T = max(scores), mpmath.mpf(temperature)
        x = [(top - score) / T for score in scores]
        e = [mpmath.exp(-value) for value in x]
        total = mpmath.fsum(e)
        y = [value / total for value in e]
        without = [mpmath.fsum(e[:i] + e[i + 1 :]) for i in range(len(e))]
        first = x.index(0)
        log_total = mpmath.log1p(without[first])
        off = [2 * value + 8 * mpmath.log(len(e)) + 40 for value in x]
        return cls(x, y, [value / total for value in without], [-v - log_total for v in x], off)

    def jacobian(self):
        n = range(len(self.y))
        return [
            [self.y[i] * self.rest[i] if i == j else -self.y[i] * self.y[j] for j in n] for i in n
        ]

    def entries_off(self):
        """By how many units of roundoff, relative to itself, each entry of J may be off.

        On the diagonal 1 − y is the sum of the other probabilities, and as far off as they may be.
        """
        off = [0 if mpmath.isinf(o) else o for o in self.off]
        others = [max(off[:i] + off[i + 1 :], default=0) for i in range(len(off))]
        return [
            [mine + (others[i] if i == j else its) for j, its in enumerate(off)]
            for i, mine in enumerate(off)
        ]

    def products(self, v):
        """J v, and the bound on its rounding: that of each entry of J, times that of v."""
        v = [exact(value) for value in v]
        matrix, off = self.jacobian(), self.entries_off()
        n = range(len(v))
        values = [mpmath.fsum(row[j] * v[j] for j in n) for row in matrix]
        slack = [
            mpmath.fsum(abs(row[j] * v[j]) * 2 * off[i][j] for j in n)
            for i, row in enumerate(matrix)
        ]
        return values, slack

    def log_slack(self):
        """How many units of roundoff each logarithm may be off."""
        first = self.x.index(0)
        common = mpmath.fsum(
            p * o for k, (p, o) in enumerate(zip(self.y, self.off, strict=True)) if k != first and p
        )
        return [
            (FUNCTION + 2) * abs(log) + 2 * x + common
            for log, x in zip(self.logs, self.x, strict=True)
        ]


def assert_close(found, wanted, slack, dtype, *, stored=None):
    """Entry by entry: |found − wanted| ≤ slack·u, plus what rounding to the stored type adds."""
    stored = np.dtype(stored or dtype)
    u, limits = roundoff(dtype), np.finfo(stored)
    tiny = len(wanted) * least(dtype) + least(stored) * (roundoff(stored) if stored != dtype else 1)
    for i, (value, target, allowed) in enumerate(zip(found, wanted, slack, strict=True)):
        bound = allowed * u + tiny + (abs(target) * roundoff(stored) if stored != dtype else 0)
        if np.isinf(value) and abs(target) + bound >= exact(limits.max) * (1 + roundoff(stored)):
            assert (value > 0) == (target > 0)
            continue
        assert np.isfinite(value), (i, value, target)
        assert abs(exact(value) - target) <= bound, (i, value, target, bound)
