"""The cross-entropy of scores against targets, and its gradient: predicted minus wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.softmax._blocks import summed
from hwlib.softmax._input import (
    Array,
    DType,
    checked_axis,
    checked_scores,
    checked_temperature,
    common,
    computed_in,
    first_place,
    floating,
    real_array,
)
from hwlib.softmax._probabilities import (
    evaluated,
    log_probabilities,
    probabilities,
)

# How far a sum of target probabilities may be from 1. A float32 vector that was converted to
# float64 passes; float16 has 11 bits only.
SLACK, SLACK_OF_FLOAT16 = 2.0**-20, 2.0**-8


def cross_entropy(
    z: ArrayLike, target: ArrayLike, axis: int = -1, *, temperature: float = 1.0
) -> Array:
    r"""The surprise, in nats, that the predicted probabilities leave in each example.

    .. math:: C(z, t) = -\sum_i t_i \log y_i, \qquad y = \operatorname{softmax}(z/T)

    It is :math:`-\log y_c` if the target is a class c. A term with :math:`t_i = 0` counts as 0,
    also where :math:`y_i = 0`.

    Args:
        z: Scores, as for :func:`softmax`.
        target: The class of each example, whole numbers in the shape of ``z`` without its class
            axis; or probabilities, in the shape of ``z``, that sum to 1 along it.
        axis: The axis of the classes.
        temperature: T, positive.

    Returns:
        One number for each example, at least 0, in the shape of ``z`` without its class axis:
        :math:`+\infty` where a target with :math:`t_i > 0` is masked out. (Take ``.mean()`` for the
        loss of a batch.)

    Raises:
        TypeError: ``z`` or ``target`` does not hold real numbers, or classes are not whole ones.
        ValueError: As for :func:`softmax`; or a class is not in 0, …, n − 1; or a target
            probability is negative or not finite, or a vector of them does not sum to 1 within
            2⁻²⁰ (2⁻⁸ in float16); or the shape of ``target`` does not fit.

    Example:
        >>> cross_entropy([[0.0, 0.0], [0.0, -1000.0]], [0, 1])
        array([6.93147181e-01, 1.00000000e+03])
    """
    scores, targets, axis = _checked(z, target, axis)
    scores = np.ascontiguousarray(np.moveaxis(scores, axis, -1))
    if targets.ndim < scores.ndim:
        dtype = floating(scores.dtype)
        logs = evaluated(log_probabilities, -1, temperature, computed_in(dtype), (scores,))
        loss: Array = -np.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]
    else:
        dtype = common(scores, targets)
        loss = _expected(scores, np.moveaxis(targets, axis, -1), computed_in(dtype), temperature)
    with np.errstate(all="ignore"):
        return np.asarray(loss + 0.0, dtype)[()]  # a loss of −0 is 0


def cross_entropy_gradient(
    z: ArrayLike, target: ArrayLike, axis: int = -1, *, temperature: float = 1.0
) -> Array:
    r"""The gradient of each example's cross-entropy by its scores: predicted minus wanted.

    .. math:: \frac{\partial C}{\partial z_i} = \frac{1}{T}\,(y_i - t_i)

    Accurate also where y is close to the target, and their difference would cancel.

    Args:
        z: Scores, as for :func:`softmax`.
        target: Classes or probabilities, as for :func:`cross_entropy`.
        axis: The axis of the classes.
        temperature: T, positive.

    Returns:
        The gradients, with the shape of ``z``. (Divide by the number of examples for the gradient
        of their mean.) At a mask it is :math:`-t_i/T`, the limit of ever lower scores.

    Raises:
        TypeError: As for :func:`cross_entropy`.
        ValueError: As for :func:`cross_entropy`.

    Example:
        >>> cross_entropy_gradient([0.0, 0.0], 1)
        array([ 0.5, -0.5])
    """
    scores, targets, axis = _checked(z, target, axis)
    dtype = common(scores, targets)
    if targets.ndim < scores.ndim:
        wanted = np.zeros(scores.shape, computed_in(dtype))
        np.put_along_axis(wanted, np.expand_dims(targets, axis), 1, axis=axis)
    else:
        wanted = targets
    return evaluated(_gradient, axis, temperature, dtype, (scores, wanted))


def _gradient(T: Any, axis: int, out: Array, z: Array, t: Array) -> None:
    probabilities(T, axis, out, z)
    near = out > 0.5
    if near.any():  # a probability near 1 and its target are both measured from 1
        out[near] = 0
        missing = np.broadcast_to(summed(out, axis), out.shape)[near]
        out -= t
        out[near] = (1 + out[near]) - missing
    else:
        out -= t
    if T != 1:
        out /= T


def _expected(z: Array, t: Array, dtype: DType, temperature: float) -> Array:
    """−Σ tᵢ log yᵢ along the last axis."""
    logs = evaluated(log_probabilities, -1, temperature, dtype, (z,))
    with np.errstate(all="ignore"):
        loss = -_weighted(t, logs)
        unbounded = np.isinf(loss)
        if unbounded.any():
            # A logarithm is out of range, which its product with t need not be. Beside numbers of
            # such a size the logarithm of the sum is less than a rounding.
            quarters = z.astype(dtype) * dtype.type(0.25)
            quarters -= np.maximum.reduce(quarters, axis=-1, keepdims=True)
            far = -_weighted(t, quarters) / checked_temperature(temperature, dtype)
            loss = np.where(unbounded, 4 * far, loss)
    return loss


def _weighted(t: Array, values: Array) -> Array:
    """Σ tᵢ·valueᵢ along the last axis, with 0·∞ = 0."""
    terms = t * values
    terms[t == 0] = 0
    total: Array = np.add.reduce(np.ascontiguousarray(terms), axis=-1)
    return total


def _checked(z: ArrayLike, target: ArrayLike, axis: int) -> tuple[Array, Array, int]:
    """Scores, and targets that fit them: whole numbers with one axis less, or probabilities."""
    scores = checked_scores(z)
    axis = checked_axis(axis, scores.ndim)
    targets = real_array("target", target)
    batch = list(scores.shape)
    n = batch.pop(axis)
    if targets.shape == scores.shape:
        _refuse_improper(targets, axis)
        return scores, targets, axis
    if targets.shape != tuple(batch):
        raise ValueError(
            f"target has shape {targets.shape}, but z has {scores.shape}: expected "
            f"{tuple(batch)} for classes, or {scores.shape} for probabilities"
        )
    if targets.dtype.kind == "f":
        raise TypeError(
            f"target holds classes in {targets.dtype}: convert them with astype(int), or give a "
            f"probability for each class, in shape {scores.shape}"
        )
    wrong = (targets < 0) | (targets >= n)
    if wrong.any():
        raise ValueError(
            f"{first_place('target', wrong)} is {targets[wrong][0]}: z has {n} classes, "
            f"0 to {n - 1}"
        )
    return scores, targets.astype(np.intp), axis


def _refuse_improper(t: Array, axis: int) -> None:
    """Say where target probabilities are negative, not finite, or do not sum to 1."""
    wrong = ~(np.isfinite(t) & (t >= 0))
    if wrong.any():
        raise ValueError(
            f"{first_place('target', wrong)} is {t[wrong][0]}: probabilities are finite and not "
            "negative"
        )
    with np.errstate(all="ignore"):
        wide = np.result_type(t.dtype, np.float64)
        sums = np.add.reduce(t, axis=axis, dtype=wide, keepdims=True)
    wrong = ~(np.abs(sums - 1) <= (SLACK_OF_FLOAT16 if t.dtype == np.float16 else SLACK))
    if wrong.any():
        raise ValueError(
            f"{first_place('target', wrong, axis)} sums to {sums[wrong][0]}: probabilities sum to 1"
        )
