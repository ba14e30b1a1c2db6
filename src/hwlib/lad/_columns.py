"""The columns of X: which of them depend on others, and how nearly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from hwlib.lad._design import Matrix, Vector

# A column that is this close to the span of those before it, as a share of its length, counts as
# dependent: entries that were rounded when they were written down do not say more.
NEARLY_DEPENDENT = 2.0**-44
# Down to this share a Gram matrix, which squares it, still tells the columns apart well.
WELL_CONDITIONED = 2.0**-12


def triangle(A: Matrix) -> tuple[Matrix, Vector]:
    """The triangle R of A diag(1/norms) = QR, and the norms of the columns (1 for a zero one)."""
    norms = np.sqrt(np.einsum("ij,ij->j", A, A))
    norms[norms == 0] = 1
    scaled = A / norms
    R, fault = lapack.dpotrf(scaled.T @ scaled, lower=0)
    if fault or R.diagonal().min() < WELL_CONDITIONED:
        R = np.linalg.qr(scaled, mode="r")
    return R, norms


def is_well_conditioned(A: Matrix) -> bool:
    """Whether sums of squares suffice to work with the columns of A."""
    R, _ = triangle(A)
    diagonal = np.abs(R.diagonal())
    return len(A) >= A.shape[1] and bool(diagonal.min() >= WELL_CONDITIONED)


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
