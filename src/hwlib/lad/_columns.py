"""The columns of X: which of them depend on others, and how nearly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from hwlib.lad import _precise
from hwlib.lad._design import BLOCK, DenseDesign, Design, Matrix, Vector
from hwlib.lad._problem import Problem
from hwlib.lad._vertex import scaled

# A column that is this close to the span of those before it, as a share of its length, gets the
# coefficient 0: what float64 holds of larger ones would not fit the data.
NEARLY_DEPENDENT = 2.0**-44
# This close, it is the rounding of entries that does not say whether the column depends on others.
ROUNDED = 2.0**-50
# Differences below this share of the largest are taken for the rounding of zero.
ZERO = 2.0**-40
# Q = X H is orthonormal, up to this.
ORTHONORMAL = 2.0**-44
# Rows of a QR decomposition at most, unless there are many columns.
TALL = 256
# Down to this share a Gram matrix, which squares it, still tells the columns apart well.
WELL_CONDITIONED = 2.0**-12


def is_well_conditioned(gram: Matrix) -> bool:
    """Whether sums of squares suffice to work with columns that have this Gram matrix."""
    norms = np.sqrt(gram.diagonal())
    if not (norms > 0).all():
        return False
    R, fault = lapack.dpotrf(gram / np.outer(norms, norms), lower=1)
    return not fault and bool(R.diagonal().min(initial=1) >= WELL_CONDITIONED)


def independent(A: Matrix) -> tuple[NDArray[np.intp], Matrix]:
    """The columns that do not depend on those to their left, and an orthonormal basis of them.

    Gram–Schmidt, each column twice, which leaves the basis orthogonal to rounding.
    """
    Q = np.empty((len(A), min(A.shape)), order="F")
    kept: list[int] = []
    for j, column in enumerate(A.T):
        length = np.linalg.norm(column)
        if length == 0 or len(kept) == len(A):
            continue
        basis, left = Q[:, : len(kept)], column / length
        for _ in range(2):
            left = left - basis @ (basis.T @ left)
        rest = np.linalg.norm(left)
        if rest > NEARLY_DEPENDENT:
            Q[:, len(kept)] = left / rest
            kept.append(j)
    return np.array(kept, dtype=np.intp), Q[:, : len(kept)]


def triangle(problem: Problem) -> Matrix:
    """R with RᵀR = XᵀVX, from QR decompositions of blocks of rows.

    They are merged in pairs, so that rounding grows with the depth of the tree, not with n: it has
    to stay far below what counts as dependent.
    """
    size = max(TALL, 4 * problem.X.shape[1])

    def between(start: int, stop: int) -> Matrix:
        if stop - start <= size:
            part = np.arange(start, stop)
            rows = problem.X.rows(part) * np.sqrt(problem.v[part])[:, None]
        else:
            middle = (start + stop) // 2
            rows = np.concatenate([between(start, middle), between(middle, stop)])
        return np.asarray(np.linalg.qr(rows, mode="r"))

    return between(0, problem.X.shape[0])


def inverse_root(problem: Problem) -> tuple[Matrix, Matrix]:
    """H with H Hᵀ = (XᵀVX)⁺, and a basis N of the directions that count as dependent, X N ≈ 0."""
    return root_of(problem.gram, lambda: triangle(problem))


def root_of(gram: Matrix, triangle: Callable[[], Matrix]) -> tuple[Matrix, Matrix]:
    """H and N from a Gram matrix, and from the triangle of a QR decomposition where it must be."""
    norms = np.sqrt(gram.diagonal())
    used = norms > 0
    norms[~used] = 1
    if is_well_conditioned(gram):
        factor, _ = lapack.dpotrf(gram / np.outer(norms, norms), lower=1)
        inverse: Matrix = lapack.dtrtri(factor, lower=1)[0].T
        return inverse / norms[:, None], np.zeros((len(gram), 0))
    # Columns of zeros stay out: rounding would mix the others into their directions.
    _, values, basis = np.linalg.svd((triangle() / norms)[:, used])
    rank = int((values > NEARLY_DEPENDENT * values.max(initial=0)).sum())
    directions = np.zeros((len(gram), len(gram)))
    directions[np.ix_(used, np.arange(used.sum()))] = basis.T / norms[used, None]
    directions[~used, used.sum() :] = np.eye((~used).sum())
    return directions[:, :rank] / values[:rank], directions[:, rank:]


def has_width(problem: Problem, half: Matrix, directions: Matrix) -> bool:
    """Whether X N is more than the rounding of X, apart from what X H spans: H, N as above.

    All weights are 1. With H Hᵀ the pseudoinverse, Q = X H is orthonormal, and what is left of
    U = X N is U − Q QᵀU = X (N − H QᵀU). U is so small a difference that it takes twice the
    precision to see it; each row is held against the sum of the sizes that cancel in it, among
    them the rounding of N.
    """
    along = overlap(problem.X, half, directions)
    return is_wide(problem.X, half, directions, along, problem.gram.diagonal())


def overlap(X: Design, half: Matrix, directions: Matrix) -> Matrix:
    """QᵀU over the rows of X, (rank, k)."""
    along: Matrix = np.zeros((half.shape[1], directions.shape[1]))
    for rows in _blocks(X):
        along += (rows @ half).T @ _precisely(rows, directions)
    return along


def is_wide(X: Design, half: Matrix, directions: Matrix, along: Matrix, squares: Vector) -> bool:
    """Whether some row of U − Q QᵀU is more than rounding; ``squares`` are those of the columns."""
    sizes = _sizes(directions, squares)
    for rows in _blocks(X):
        left = np.abs(_precisely(rows, directions) - rows @ (half @ along))
        rounding = ROUNDED * (np.abs(rows) @ sizes)
        rounding += ORTHONORMAL * (np.abs(rows @ half) @ np.abs(along))
        if (left > rounding).any():
            return True
    return False


def _sizes(directions: Matrix, squares: Vector) -> Matrix:
    """The sizes of the entries of N, with that of their rounding."""
    norms = _lengths(squares)
    sizes = np.abs(directions)
    sizes += ROUNDED * (sizes * norms).max(axis=0) / norms
    return sizes


def is_flat_when_levelled(problem: Problem, directions: Matrix) -> bool:
    """Whether X N' is no more than rounding, with as many directions N' from rows of one size.

    Least squares spreads the rounding of a row over all of them, and some can bear far less of it.
    So each is multiplied by a power of 2, which changes nothing in what is asked of it, until all
    can bear the same; those that gain most come first, or elimination would lose the others.
    Columns get a size near 1, or squares could overflow.
    """
    n, squares = len(problem.y), problem.gram.diagonal()
    rows = problem.X.rows(np.arange(n))
    bearable = (np.abs(rows) @ _sizes(directions, squares)).max(axis=1)
    units = np.frexp(problem.X.largest())[1]
    rows = np.ldexp(rows, -np.frexp(bearable)[1][:, None] - units)
    squares = np.ldexp(squares, -2 * units)
    X = DenseDesign(rows[np.abs(rows).max(axis=1).argsort()[::-1]])
    half, free = inverse_root(replace(problem, X=X))
    if free.shape[1] != directions.shape[1]:
        return False
    return not is_wide(X, half, free, overlap(X, half, free), squares)


def is_flat_without_noise(problem: Problem, directions: Matrix) -> bool:
    """Whether X N is no more than rounding once entries of N that are rounding are 0.

    Where a column has no part in a dependence, its entry of N is rounding, which is all that is
    left in the rows that are 0 in the others. So N is brought into the echelon form, with columns
    of X of size 1, and the entries that are left are made as good as they can be.
    """
    squares = problem.gram.diagonal()
    norms = _lengths(squares)
    plain = echelon(directions * norms) / norms
    rows = problem.X.rows(np.arange(len(problem.y)))
    for step in plain.T:
        others = np.flatnonzero(step)[1:]  # than the one that is given
        step[others] -= scaled(rows[:, others], _precisely(rows, step[:, None])[:, 0])
    half = np.zeros((len(norms), 0))
    return not is_wide(problem.X, half, plain, np.zeros((0, plain.shape[1])), squares)


def echelon(free: Matrix) -> Matrix:
    """The reduced echelon form: unit vectors in the leftmost coordinates that can have them."""
    basis = free.T.copy()
    row = 0
    for column in range(basis.shape[1]):
        if row == len(basis):
            break
        pivot = row + int(np.abs(basis[row:, column]).argmax())
        if abs(basis[pivot, column]) <= ZERO * np.abs(basis[row:]).max():
            basis[row:, column] = 0
            continue
        basis[[row, pivot]] = basis[[pivot, row]]
        basis[row] /= basis[row, column]
        others = np.arange(len(basis)) != row
        basis[others] -= np.outer(basis[others, column], basis[row])
        basis[others, column] = 0
        row += 1
    basis[np.abs(basis) <= ZERO * np.abs(basis).max(axis=1, keepdims=True, initial=0)] = 0
    return basis.T


def _lengths(squares: Vector) -> Matrix:
    """(d, 1) the lengths of the columns, 1 for a column of zeros."""
    norms: Matrix = np.sqrt(squares)[:, None]
    norms[norms == 0] = 1
    return norms


def _precisely(rows: Matrix, directions: Matrix) -> Matrix:
    """The product in twice the precision."""
    X, nothing = DenseDesign(rows), np.zeros(len(rows))
    return np.column_stack([_precise.residuals(X, nothing, -step) for step in directions.T])


def _blocks(X: Design) -> Iterator[Matrix]:
    n = X.shape[0]
    for start in range(0, n, BLOCK):
        yield X.rows(np.arange(start, min(start + BLOCK, n)))
