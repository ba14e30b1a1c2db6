r"""The Jacobian of the softmax, whole, and times a vector from either side.

A probability :math:`y_p` close to 1 hides what is missing to 1, and with it all that is left of
the derivative. On the diagonal, :math:`1 - y_p` is taken from the sum of the others. In a product
:math:`y_i\,(u_i - \sum_k y_k u_k)`, the vector is first replaced by :math:`w = u - u_p\mathbf{1}`,
which changes nothing, since the rows of J sum to 0. Then :math:`w_p = 0` exactly, and entry p is
:math:`-y_p \sum_{k \ne p} y_k w_k`: nothing cancels any more.

**The error.** Every term is rounded by its own size, so it is enough that for each i the sizes of
all terms, :math:`y_i |w_i| + y_i \sum_{k \ne p} y_k |w_k|`, are at most a small multiple of
:math:`\sum_j |J_{ij}|\,|u_j|`. With :math:`|w_k| \le |u_k| + |u_p|` and
:math:`\sum_{k \ne p} y_k = 1 - y_p`, the second is at most
:math:`\sum_{k \ne p} y_i y_k |u_k| + y_i (1 - y_p) |u_p|`, where each term is at most the one of
the bound with the same :math:`|u_k|`: for :math:`k = i \ne p` as :math:`y_i \le 1 - y_i`, for
:math:`k = p \ne i` as :math:`1 - y_p \le y_p`. The first is 0 for i = p, and else at most
:math:`y_i |u_i| + y_i |u_p|`, twice the bound, as :math:`1 - y_i` and :math:`y_p` are at least
one half. Where no probability exceeds one half, :math:`w = u` and the same holds without
:math:`u_p`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwlib.softmax._blocks import (
    BUFFER,
    FEW,
    SLAB,
    slabs,
    summed,
    summed_by_slabs,
    unbuffered,
)
from hwlib.softmax._input import (
    Array,
    checked_direction,
    checked_scores,
    checked_temperature,
    common,
    computed_in,
    floating,
    refuse_direction,
    refuse_scores,
)
from hwlib.softmax._probabilities import (
    Place,
    UnusableScores,
    all_finite,
    evaluated,
    probabilities,
)


def jacobian(z: ArrayLike, *, temperature: float = 1.0) -> Array:
    r"""The derivatives of all probabilities by all scores.

    .. math:: J_{ij} = \frac{\partial y_i}{\partial z_j} = \frac{1}{T}\, y_i\,(\delta_{ij} - y_j)

    Symmetric to the last bit. Each entry has about the relative accuracy of :func:`softmax`, the
    diagonal too, where :math:`y_i` is so close to 1 that :math:`1 - y_i` cancels.

    Args:
        z: Scores, of shape (…, n), as for :func:`softmax`; the classes are on the last axis.
        temperature: T, positive.

    Returns:
        Matrices, of shape (…, n, n). For products with them take :func:`jvp` and :func:`vjp`,
        which form none.

    Raises:
        TypeError: As for :func:`softmax`.
        ValueError: As for :func:`softmax`.

    Example:
        >>> jacobian([1.0, 1.0])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    scores = checked_scores(z)
    dtype = floating(scores.dtype)
    inner = computed_in(dtype)
    T = checked_temperature(temperature, dtype)
    with np.errstate(all="ignore"):
        try:
            J = _matrices(T, scores.astype(inner, copy=False))
        except UnusableScores:
            refuse_scores(scores, -1)
        return J.astype(dtype, copy=False)


def _matrices(T: Any, z: Array) -> Array:
    y = np.empty_like(z)
    probabilities(T, -1, y, z)
    near = y > 0.5
    others = summed(np.where(near, 0, y), -1)
    diagonal = y * np.where(near, others, 1 - y)
    column, row = y[..., :, None], -y[..., None, :]
    long = z.shape[-1] > BUFFER
    J: Array = unbuffered(np.multiply, column, row) if long else column * row
    np.einsum("...ii->...i", J)[...] = diagonal
    if T != 1:
        J /= T
    return J


def jvp(z: ArrayLike, v: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""The Jacobian times a vector: how the probabilities move when the scores move along v.

    .. math:: (Jv)_i = \frac{1}{T}\, y_i\,\Bigl(v_i - \sum_k y_k v_k\Bigr)

    It takes O(n) operations, and no matrix.

    Args:
        z: Scores, as for :func:`softmax`.
        v: A direction for each vector of scores, finite, with the shape of ``z``.
        axis: The axis of the classes.
        temperature: T, positive.

    Returns:
        The products, with the shape of ``z``. Entry i has about the accuracy of :func:`softmax`,
        relative to :math:`\sum_j |J_{ij}|\,|v_j|`.

    Raises:
        TypeError: ``z`` or ``v`` does not hold real numbers.
        ValueError: As for :func:`softmax`, or ``v`` has another shape or is not finite.

    Example:
        >>> jvp([1.0, 1.0], [1.0, 0.0])
        array([ 0.25, -0.25])
    """
    return _product("v", z, v, axis, temperature)


def vjp(z: ArrayLike, u: ArrayLike, axis: int = -1, *, temperature: float = 1.0) -> Array:
    r"""A vector times the Jacobian: the step of back-propagation through a softmax.

    .. math:: (J^\top u)_i = \frac{1}{T}\, y_i\,\Bigl(u_i - \sum_k y_k u_k\Bigr)

    If u is the gradient of a loss by the probabilities, this is its gradient by the scores. J is
    symmetric, so it is the same as :func:`jvp`, with the same accuracy. For the gradient of the
    cross-entropy take :func:`cross_entropy_gradient`: there u would be :math:`-t_i/y_i`.

    Args:
        z: Scores, as for :func:`softmax`.
        u: A vector for each vector of scores, finite, with the shape of ``z``.
        axis: The axis of the classes.
        temperature: T, positive.

    Returns:
        The products, with the shape of ``z``.

    Raises:
        TypeError: ``z`` or ``u`` does not hold real numbers.
        ValueError: As for :func:`softmax`, or ``u`` has another shape or is not finite.

    Example:
        >>> vjp([1.0, 1.0], [1.0, 0.0])
        array([ 0.25, -0.25])
    """
    return _product("u", z, u, axis, temperature)


class _Unbounded(Exception):  # noqa: N818 - it never leaves this module
    """A product is not finite: an entry of the vector is not, or differences of them overflow."""


def _product(name: str, z: ArrayLike, w: ArrayLike, axis: int, temperature: float) -> Array:
    scores = checked_scores(z)
    vectors = checked_direction(name, w, scores)
    dtype = common(scores, vectors)
    try:
        return evaluated(_multiply, axis, temperature, dtype, (scores, vectors))
    except _Unbounded:
        refuse_direction(name, vectors)
    with np.errstate(all="ignore"):
        quarters = vectors * dtype.type(0.25)
        product = evaluated(_multiply, axis, temperature, dtype, (scores, quarters))
        product *= 4
    return product


def _multiply(T: Any, axis: int, out: Array, z: Array, u: Array) -> None:
    sums, place = probabilities(T, axis, out, z)
    origin = _origin(axis, out, sums, place, u)
    if out.size <= 2 * SLAB:
        w = u if origin is None else u - origin
        out *= w - summed(out * w, axis)
        finite = all_finite(out)
    else:
        finite = _multiply_by_slabs(axis, out, u, origin)
    if not finite:
        raise _Unbounded
    if T != 1:
        out /= T


def _multiply_by_slabs(axis: int, out: Array, u: Array, origin: Array | None) -> bool:
    def weighted(y: Array, u: Array) -> Array:
        if origin is None:
            return y * u
        w: Array = u - origin
        w *= y
        return w

    mean = summed_by_slabs(weighted, axis, out, u)
    finite = True
    for slab in slabs(out.shape, axis):
        part = out[slab]
        if origin is None:
            w = u[slab] - mean
        else:
            w = u[slab] - origin
            w -= mean
        part *= w
        finite = finite and all_finite(part)
    return finite


def _origin(axis: int, y: Array, sums: Array, place: Place | None, u: Array) -> Array | None:
    """The entry of u where a probability exceeds one half, and 0 in a vector without one."""
    if y.ndim == 1:
        return u[place] if sums < 2 else None
    if y.size > FEW:  # of fewer, to look takes as long as to do
        alone = sums < 2
        if not np.count_nonzero(alone):
            return None
        if place is not None:
            return np.where(alone, u.take(place), 0)
    return summed_by_slabs(lambda y, u: np.rint(y) * u, axis, y, u)
