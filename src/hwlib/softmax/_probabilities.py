r"""Softmax and its logarithm, and what everything else is made of.

With the largest score subtracted, every exponential is at most 1 and one of them is 1, so no sum
overflows or vanishes. What is small beside that 1 is summed without it: the 1 would swallow it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.softmax._blocks import FEW, NARROW, SLAB, Kernel, in_blocks, summed, summed_by_slabs
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


def softmax(z: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""The probabilities that belong to scores, along one axis.

    .. math:: y_i = \frac{e^{z_i/T}}{\sum_k e^{z_k/T}}

    With :math:`x_i = (z_{\max} - z_i)/T`, each is off by at most :math:`2x_i + 8\log n + 150` times
    the unit roundoff, relative to itself, as long as it is not below the least normal number. (T
    is taken as the type of ``z`` rounds it: that of 0.1 in ``float32`` adds up to
    :math:`x_i` more.) Of the 150, most is for terms that are added in groups of up to 128, in
    whatever order.

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
    return evaluated(_softmax, axis, temperature, dtype, (scores,))


def _softmax(T: Any, axis: int, out: Array, z: Array) -> None:
    probabilities(T, axis, out, z)


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
    top, place = _largest(z, axis)
    _shift(T, out, z, top)
    out -= np.log1p(_sum_of_others(out, place, axis))


class UnusableScores(Exception):  # noqa: N818 - it never leaves this package
    """The largest of some scores is not finite: one is NaN or +∞, or all are −∞."""


def evaluated(
    kernel: Kernel, axis: int, temperature: Any, dtype: DType, arrays: tuple[Array, ...]
) -> Array:
    """Apply a kernel in blocks, with NumPy kept silent; unusable scores are named."""
    z = arrays[0]
    axis = checked_axis(axis, z.ndim)
    T = checked_temperature(temperature, dtype)
    inner = computed_in(dtype)
    # As a decorator it would be shared, and before NumPy 2 would mix up the settings of threads.
    with np.errstate(all="ignore"):
        for array in arrays:
            if array.dtype != inner:
                arrays = tuple(a.astype(inner, copy=False) for a in arrays)
                break
        try:
            result = in_blocks(kernel, T, axis, arrays)
        except UnusableScores:
            refuse_scores(z, axis)
        return result if dtype == inner else result.astype(dtype)


Place = Any  # an index of a vector, or an array of indices of a flattened array


def probabilities(T: Any, axis: int, out: Array, z: Array) -> tuple[Array, Place | None]:
    """Fill with the softmax.

    Returns:
        The sums of the exponentials, which are less than 2 where one probability exceeds all
        others together; and where the largest scores are, if that was found on the way.

    Raises:
        UnusableScores: A largest score is not finite.
    """
    top, place = _largest(z, axis)
    _shift(T, out, z, top)
    np.exp(out, out=out)
    sums = summed(out, axis)
    out /= sums
    return sums, place


def _largest(z: Array, axis: int) -> tuple[Array, Place | None]:
    """The largest entry of each vector, and its place in rows, which is found sooner."""
    place: Place | None = None
    if z.ndim == 1:
        place = z.argmax()
        top = z[place]
    elif axis == -1 and z.size > FEW:
        place = z.argmax(axis=-1, keepdims=True)
        place += np.arange(0, z.size, z.shape[-1]).reshape(place.shape)
        top = z.take(place)
    else:
        top = np.maximum.reduce(z, axis=axis, keepdims=True)
    if not all_finite(top):
        raise UnusableScores
    return top, place


def _shift(T: Any, out: Array, z: Array, top: Array) -> None:
    """Fill with (z − max)/T: at most 0, and −∞ only where the exact value is out of range."""
    if T > 1:  # the difference may overflow where its quotient does not
        np.multiply(z, 0.5, out=out)
        out -= 0.5 * top
        out /= T / 2
        return
    np.subtract(z, top, out=out)
    if T != 1:
        out /= T


def all_finite(values: Array) -> bool:
    """Whether every entry is finite, or the only one."""
    if values.ndim == 0:
        return bool(values - values == 0)
    # A sum of squares takes a third of the time; one that overflows calls for a closer look.
    return math.isfinite(np.vdot(values, values)) or bool(np.isfinite(values).all())


def _sum_of_others(d: Array, place: Place | None, axis: int) -> Array:
    """The sums of exp(d) without one entry for which d is 0.

    The 1 would leave little trace of what is small beside it.
    """
    if place is not None:
        d.put(place, -np.inf)
        rest = summed_by_slabs(np.exp, axis, d)
        d.put(place, 0)
        return rest
    if d.shape[axis] > NARROW and d.size <= 2 * SLAB:  # mostly nothing is small beside the 1
        e = np.exp(d)
        sums = summed(e, axis)
        alone = sums < 2
        rest = sums - 1
        if np.count_nonzero(alone):
            e -= np.floor(e)
            np.copyto(rest, summed(e, axis), where=alone)
        return rest
    ones = 0.0

    def below_one(d: Array) -> Array:
        nonlocal ones
        e: Array = np.exp(d)
        one = np.floor(e)
        # In float32 a product counts up to 2²⁴; it takes a fifth of the time.
        ones += float(np.vdot(one, one)) if one.size <= 2**24 else np.count_nonzero(one)
        e -= one
        return e

    rest = summed_by_slabs(below_one, axis, d)
    if ones > rest.size:  # somewhere more than one entry is the largest
        rest += summed_by_slabs(lambda d: np.floor(np.exp(d)), axis, d) - 1
    return rest
