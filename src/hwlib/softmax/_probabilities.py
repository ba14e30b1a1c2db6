r"""Softmax and its logarithm, and what everything else is made of.

With the largest score subtracted, every exponential is at most 1 and one of them is 1, so no sum
overflows or vanishes. What is small beside that 1 is summed without it: the 1 would swallow it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.softmax._blocks import (
    FEW,
    NARROW,
    SLAB,
    SMALL,
    ZERO,
    Kernel,
    Near,
    in_blocks,
    put,
    summed,
    summed_by_slabs,
)
from hwlib.softmax._input import (
    Array,
    DType,
    checked_axis,
    checked_scores,
    checked_temperature,
    computed_in,
    floating,
    refuse_scores,
)

# Rows that need no memory beside the result are taken together up to so many entries.
ALL_IN_PLACE = 2**17
MANY = 200  # vectors


def softmax(z: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""The probabilities that belong to scores, along one axis.

    .. math:: y_i = \frac{e^{z_i/T}}{\sum_k e^{z_k/T}}

    With :math:`x_i = (z_{\max} - z_i)/T`, each is off by at most :math:`2x_i + 8\log n + 150` times
    the unit roundoff, relative to itself, as long as it is not below the least normal number. Of
    the 150, most is for vectors across memory, whose terms are added in groups.

    Args:
        z: Scores, of any shape with at least one entry; :math:`-\infty` masks a class out.
        axis: The axis of the classes.
        temperature: T, positive. A high one levels the probabilities, a low one sharpens them.

    Returns:
        The probabilities, with the shape of ``z``; each vector of them sums to 1.

    Raises:
        TypeError: ``z`` does not hold real numbers.
        ValueError: An entry is NaN or :math:`+\infty`, a whole vector is :math:`-\infty`, ``z`` is
            empty or a single number, there is no such axis, or the temperature is not positive.

    Source:
        P. Blanchard, D. J. Higham, N. J. Higham, *Accurately computing the log-sum-exp and softmax
        functions*, IMA Journal of Numerical Analysis 41(4), 2021,
        https://doi.org/10.1093/imanum/draa038.

    Example:
        >>> softmax([0.0, 1e308, 1e308, -np.inf])
        array([0. , 0.5, 0.5, 0. ])
    """
    scores = checked_scores(z)
    dtype = floating(scores.dtype)
    return evaluated(_softmax, axis, temperature, dtype, (scores,), ALL_IN_PLACE)


def _softmax(T: Any, axis: int, out: Array, z: Array) -> None:
    shift(T, axis, out, z)
    np.exp(out, out=out)
    out /= summed(out, axis)


def log_softmax(z: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""The logarithms of the probabilities, without the detour through them.

    .. math:: \log y_i = \frac{z_i}{T} - \log \sum_k e^{z_k/T}

    Finite wherever the exact value is within the range of the type, also where the probability
    itself underflows, and accurate where it is close to 1; elsewhere :math:`-\infty`.

    Args:
        z: Scores, as for :func:`softmax`.
        axis: The axis of the classes.
        temperature: T, positive.

    Returns:
        The logarithms, at most 0, with the shape of ``z``; :math:`-\infty` at a mask.

    Raises:
        TypeError: As for :func:`softmax`.
        ValueError: As for :func:`softmax`.

    Example:
        >>> log_softmax([0.0, -1000.0])
        array([    0., -1000.])
    """
    scores = checked_scores(z)
    return evaluated(log_probabilities, axis, temperature, floating(scores.dtype), (scores,))


def log_probabilities(T: Any, axis: int, out: Array, z: Array) -> None:
    """The kernel of the logarithm of the softmax."""
    peak = shift(T, axis, out, z)
    out -= np.log1p(_sum_of_others(out, peak, axis))


class UnusableScores(Exception):  # noqa: N818 - it never leaves this package
    """The largest of some scores is not finite: one is NaN or +∞, or all are −∞."""


def evaluated(
    kernel: Kernel,
    axis: int,
    temperature: Any,
    dtype: DType,
    arrays: tuple[Array, ...],
    rows: int = SLAB,
) -> Array:
    """Apply a kernel in blocks, with NumPy kept silent; unusable scores are named."""
    z = arrays[0]
    axis = checked_axis(axis, z.ndim)
    T = checked_temperature(temperature, dtype)
    inner = computed_in(dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for array in arrays:
            if array.dtype != inner:
                arrays = tuple(a.astype(inner, copy=False) for a in arrays)
                break
        try:
            result = in_blocks(kernel, T, axis, arrays, rows)
        except UnusableScores:
            refuse_scores(z, axis)
        return result if dtype == inner else result.astype(dtype)


Index = np.intp | tuple[Array, ...]


def shift(T: Any, axis: int, out: Array, z: Array) -> Index | None:
    """Fill with (z − max)/T: at most 0, and −∞ only where the exact value is out of range.

    Returns:
        Where the maxima are, if that was found on the way.

    Raises:
        UnusableScores: A maximum is not finite.
    """
    peak: Index | None = None
    if z.ndim == 1:
        peak = z.argmax()
    elif axis == -1 and z.size > MANY * z.shape[-1]:  # of a few rows it takes longer than values
        rows = (
            np.arange(m).reshape(-1, *[1] * (z.ndim - 1 - k)) for k, m in enumerate(z.shape[:-1])
        )
        peak = (*rows, z.argmax(axis=-1, keepdims=True))
    top = np.maximum.reduce(z, axis=axis, keepdims=True) if peak is None else z[peak]
    if not all_finite(top):
        raise UnusableScores
    if T > 1:  # the difference may overflow where its quotient does not
        np.multiply(z, 0.5, out=out)
        out -= 0.5 * top
        out /= T / 2
        return peak
    np.subtract(z, top, out=out)
    if T != 1:
        out /= T
    return peak


def all_finite(values: Array) -> bool:
    """Whether every entry is finite, or the only one."""
    if values.ndim == 0:
        return bool(values - values == 0)
    # A sum of squares takes a third of the time; one that overflows calls for a closer look.
    return math.isfinite(np.vdot(values, values)) or bool(np.isfinite(values).all())


def probabilities(T: Any, axis: int, out: Array, z: Array) -> Near | None:
    """Fill with the softmax.

    Returns:
        Where a probability exceeds all others together, if there is such a place: an index in a
        vector and where they are few or in rows, else a mask.
    """
    peak = shift(T, axis, out, z)
    np.exp(out, out=out)
    sums = summed(out, axis)
    out /= sums
    if out.ndim == 1:
        return peak if sums < 2 else None
    alone = sums < 2
    count = np.count_nonzero(alone)
    if count == 0:
        return None
    if isinstance(peak, tuple):
        return (*np.nonzero(alone[..., 0]), peak[-1][alone])
    if out.size > SMALL and out.ndim == 2 and axis == -2 and 8 * count <= alone.size:
        columns = np.flatnonzero(alone)
        return (out[:, columns].argmax(axis=0), columns)
    return out > 0.5


def _sum_of_others(d: Array, peak: Index | None, axis: int) -> Array:
    """The sums of exp(d) without one entry for which d is 0.

    The 1 would leave little trace of what is small beside it.
    """
    if peak is not None:
        d[peak] = -np.inf
        rest = summed_by_slabs(lambda slab: np.exp(d[slab]), d.shape, axis)
        d[peak] = 0
        return rest
    if FEW < d.size <= 2 * SLAB and d.shape[axis] > NARROW:  # many short vectors need it anyway
        e = np.exp(d)
        rest = summed(e, axis) - 1
        small = rest < 1
        if small.any():
            put(e, e == 1, ZERO, axis)
            np.copyto(rest, summed(e, axis), where=small)
        return rest
    counts: list[int] = []

    def below_one(slab: Any) -> Array:
        e: Array = np.exp(d[slab])
        is_one = e == 1
        put(e, is_one, ZERO, axis)
        counts.append(int(np.count_nonzero(is_one)))
        return e

    def all_ones(slab: Any) -> Array:
        ones: Array = (np.exp(d[slab]) == 1).astype(d.dtype)
        return ones

    rest = summed_by_slabs(below_one, d.shape, axis)
    if sum(counts) > rest.size:
        rest += summed_by_slabs(all_ones, d.shape, axis) - 1
    return rest
