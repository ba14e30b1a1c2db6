r"""Softmax and its logarithm, and what everything else is made of.

With the largest score subtracted, every exponential is at most 1 and one of them is 1, so no sum
overflows or vanishes. What is small beside that 1 is summed without it: the 1 would swallow it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.softmax._blocks import FEW, Kernel, in_blocks, summed
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

Places = tuple[Array, ...] | None


def softmax(z: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""The probabilities that belong to scores, along one axis.

    .. math:: y_i = \frac{e^{z_i/T}}{\sum_k e^{z_k/T}}

    With :math:`x_i = (z_{\max} - z_i)/T`, each is off by at most :math:`2x_i + 3\log n + 40` times
    the unit roundoff, relative to itself, as long as it is not below the least normal number.

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
    return evaluated(_softmax, axis, temperature, floating(scores.dtype), scores)


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
    return evaluated(log_probabilities, axis, temperature, floating(scores.dtype), scores)


def log_probabilities(T: Any, axis: int, out: Array, z: Array) -> None:
    """The kernel of the logarithm of the softmax."""
    peak = shift(T, axis, out, z)
    out -= np.log1p(_sum_of_others(np.exp(out), peak, axis))


class UnusableScores(Exception):  # noqa: N818 - it never leaves this package
    """The largest of some scores is not finite: one is NaN or +∞, or all are −∞."""


def evaluated(
    kernel: Kernel, axis: int, temperature: Any, dtype: DType, z: Array, *more: Array
) -> Array:
    """Apply a kernel in blocks, with NumPy kept silent; unusable scores are named."""
    axis = checked_axis(axis, z.ndim)
    T = checked_temperature(temperature, dtype)
    inner = computed_in(dtype)
    with np.errstate(all="ignore"):
        try:
            arrays = [a if a.dtype == inner else a.astype(inner) for a in (z, *more)]
            result = in_blocks(kernel, T, axis, *arrays)
        except UnusableScores:
            refuse_scores(z, axis)
        return result if dtype == inner else result.astype(dtype)


def shift(T: Any, axis: int, out: Array, z: Array) -> Places:
    """Fill with (z − max)/T: at most 0, and −∞ only where the exact value is out of range.

    Returns:
        Where the maxima are, if that was found on the way.

    Raises:
        UnusableScores: A maximum is not finite.
    """
    peak = _peak(z, axis)
    top = z[peak] if peak else np.maximum.reduce(z, axis=axis, keepdims=True)
    sample = np.add.reduce(top, axis=None)
    if not (sample - sample == 0 or np.isfinite(top).all()):
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


def _peak(z: Array, axis: int) -> Places:
    """The index of the maxima, in long rows, where NumPy finds it as fast as their values."""
    if z.ndim == 1:
        return (z.argmax(axis=-1, keepdims=True),)
    if axis == -1 and z.size > FEW:
        grid = np.ogrid[tuple(map(slice, z.shape[:-1]))]
        return (*(g[..., None] for g in grid), z.argmax(axis=-1, keepdims=True))
    return None


def _sum_of_others(e: Array, peak: Places, axis: int) -> Array:
    """The sums of all exponentials but one that is 1; ``e`` is used up."""
    if peak:
        e[peak] = 0
        return summed(e, axis)
    rest = summed(e, axis) - 1
    small = rest < 1  # the 1, alone of its size, has left little trace of them
    if small.any():
        np.copyto(e, 0, where=e == 1)
        np.copyto(rest, summed(e, axis), where=small)
    return rest


def dominant(e: Array, sums: Array, peak: Places, axis: int) -> Places:
    """The index of exponentials that exceed the sum of all others: of probabilities above 1/2."""
    alone = sums < 2
    if not (alone.item() if alone.size == 1 else alone.any()):
        return None
    if e.ndim == 1:
        return peak
    if peak:
        return (*np.nonzero(alone[..., 0]), peak[-1][alone])
    ones = np.unravel_index(np.flatnonzero(e == 1), e.shape)
    kept = alone[of_vectors(ones, axis)]
    return tuple(index[kept] for index in ones)


def of_vectors(places: tuple[Array, ...], axis: int) -> tuple[Any, ...]:
    """The index of the vectors that the entries at an index are in, where the axis has length 1."""
    return (*places[:-1], 0) if axis == -1 else (*places[:-2], 0, places[-1])


def without_dominant(e: Array, sums: Array, near: Places, axis: int) -> Array:
    """The sums of all exponentials but one that is 1; the dominant ones become 0."""
    rest: Array = sums - 1
    if near:
        e[near] = 0
        of = of_vectors(near, axis)
        rest[of] = summed(e, axis)[of]
    return rest
