"""Residuals and Xᵀa as if computed in twice the working precision.

Products are split into their rounded value and its error, sums likewise, and the errors are added
up at the end: T. Ogita, S. Rump, S. Oishi, *Accurate Sum and Dot Product*, SIAM J. Sci. Comput.
26(6), 2005, https://doi.org/10.1137/030601818. This is some thirty times the work of the plain
product, for matrices whose columns nearly depend on one another: there, the rounding of the plain
product is all that one would see.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hwlib.lad._design import BLOCK, Design, Matrix, Vector

_SPLITTER = 2.0**27 + 1


def residuals(X: Design, y: Vector, w: Vector) -> Vector:
    """R = y − Xw, each entry correct to about the last bit."""
    blocks = [_block_residuals(rows, y[part], w) for part, rows in _blocks(X)]
    return np.concatenate(blocks)


def tdot(X: Design, a: Vector) -> Vector:
    """E = Xᵀa, each entry correct to about the last bit."""
    high, low = tdot_parts(X, a)
    return high + low


def tdot_parts(X: Design, a: Vector) -> tuple[Vector, Vector]:
    """E = Xᵀa as the sum of two vectors, the second what the first leaves out."""
    high: Vector = np.zeros(X.shape[1])
    low: Vector = np.zeros(X.shape[1])
    for part, rows in _blocks(X):
        values, errors = _sum_rows(*_two_product(rows, a[part, None]))
        high, error = two_sum(high, values)
        low += errors + error
    return high, low


def _block_residuals(rows: Matrix, y: Vector, w: Vector) -> Vector:
    products, errors = _two_product(rows, -w)
    total, low = y, errors.sum(axis=1)
    for column in products.T:
        total, error = two_sum(total, column)
        low += error
    whole: Vector = total + low
    return whole


def _sum_rows(terms: Matrix, errors: Matrix) -> tuple[Vector, Vector]:
    """The sum over rows: its rounded value, and what the rounding left out."""
    low = errors.sum(axis=0)
    while len(terms) > 1:
        half = len(terms) // 2
        paired, error = two_sum(terms[:half], terms[half : 2 * half])
        low += error.sum(axis=0)
        terms = np.concatenate([paired, terms[2 * half :]])
    return terms[0], low


def two_sum(a: Matrix, b: Matrix) -> tuple[Matrix, Matrix]:
    """A + b, rounded, and what the rounding left out."""
    total = a + b
    moved = total - a
    return total, (a - (total - moved)) + (b - moved)


def _two_product(a: Matrix, b: Matrix) -> tuple[Matrix, Matrix]:
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, error


def _split(a: Matrix) -> tuple[Matrix, Matrix]:
    scaled = _SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def _blocks(X: Design) -> Iterator[tuple[slice, Matrix]]:
    for start in range(0, X.shape[0], BLOCK):
        part = slice(start, min(start + BLOCK, X.shape[0]))
        yield part, X.rows(np.arange(part.start, part.stop))
