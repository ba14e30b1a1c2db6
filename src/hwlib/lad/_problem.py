"""What is to be solved, and the checks that make it worth solving."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.lad._design import BLOCK, DenseDesign, Design, Matrix, Vector

# The quantile closest to 0 or 1, and the range of sizes whose squares are safe.
LEAST = 2.0**-30
SMALLEST, LARGEST = 1e-140, 1e140
OUT_OF_RANGE = (
    "the entries of X, y or sample_weight are so large or so small that their squares or sums "
    "overflow or vanish: rescale them"
)


@dataclass(frozen=True, eq=False)
class Problem:
    r"""Minimize :math:`\sum_i v_i\,\rho_\tau(y_i - x_i^\top w)` over w.

    Attributes:
        X: The design, n × d.
        y: (n,).
        v: (n,) positive weights.
        quantile: τ in (0, 1).
    """

    X: Design
    y: Vector
    v: Vector
    quantile: float

    @cached_property
    def lower(self) -> Vector:
        """The least value of each dual variable, vᵢ(τ − 1)."""
        return _times(self.v, self.quantile - 1)

    @cached_property
    def upper(self) -> Vector:
        """The largest value of each dual variable, vᵢτ."""
        return _times(self.v, self.quantile)

    @cached_property
    def gram(self) -> Matrix:
        """XᵀVX, (d, d)."""
        return self.X.gram(self.v)

    @cached_property
    def reach(self) -> Vector:
        """Σ vᵢ|xᵢ|, (d,): what the rounding of sums over the rows is measured by."""
        return self.X.abs_tdot(self.v)

    @cached_property
    def typical(self) -> float:
        """The median size of the targets that are not 0, from some thousand rows."""
        size = np.abs(thinned(self.y))
        size = size[size > 0]
        return float(np.median(size)) if len(size) else 1.0

    def walls(self, r: Vector) -> Vector:
        """The dual variable that goes with each residual: the upper wall if r > 0, else the lower.

        The loss is the sum of r times this, and its gradient is −Xᵀ of this.
        """
        walls: Vector = self.v * (r > 0)
        walls += self.lower
        return walls

    def residuals(self, w: Vector) -> Vector:
        """R = y − Xw."""
        return self.y - self.X.dot(w)

    def sizes(self, w: Vector, index: NDArray[np.intp] | None = None) -> Vector:
        """What the rounding of each residual is measured by, for some rows or all.

        The target, and what the row would add up to if all coefficients were as large as the
        largest, in units of their columns: they come from one system, and share its rounding.
        """
        index = np.arange(len(self.y)) if index is None else index
        unit = self.reach / float(self.v.sum())
        unit[unit == 0] = 1
        widest = float((np.abs(w) * unit).max(initial=0)) / unit
        blocks = [index[i : i + BLOCK] for i in range(0, len(index), BLOCK)]
        sums = [np.abs(self.X.rows(block)) @ widest for block in blocks]
        sizes: Vector = np.abs(self.y[index]) + np.concatenate([np.zeros(0), *sums])
        return sizes

    def loss(self, r: Vector) -> float:
        """Σ vᵢ ρ(rᵢ), summed in pairs."""
        return float((r * self.walls(r)).sum())

    def part(self, start: int, stop: int) -> Problem:
        """The problem of consecutive rows, without a copy if they are whole float64 rows."""
        rows = slice(start, min(stop, len(self.y)))
        return Problem(self.X.part(rows), self.y[rows], self.v[rows], self.quantile)

    def choose(self, index: NDArray[np.intp]) -> Problem:
        """The problem of some of the rows."""
        rows = DenseDesign(self.X.rows(index))
        return Problem(rows, self.y[index], self.v[index], self.quantile)


def stacked(problems: list[Problem]) -> Problem:
    """One problem of the rows of several, which are in memory."""
    X = np.concatenate([part.X.rows(np.arange(len(part.y))) for part in problems])
    y = np.concatenate([part.y for part in problems])
    v = np.concatenate([part.v for part in problems])
    return Problem(DenseDesign(X), y, v, problems[0].quantile)


def thinned(values: Vector) -> Vector:
    """About 16√n of n values, evenly spaced: enough for what only the speed depends on."""
    return values[:: max(1, int(np.sqrt(len(values)) / 16))]


def unit_weights(n: int) -> Vector:
    """A weight of 1 for each of n rows, in the memory of one."""
    return np.broadcast_to(np.float64(1), n)


def _times(v: Vector, factor: float) -> Vector:
    """The product, in the memory of one number where v is."""
    return np.broadcast_to(v[0] * factor, v.shape) if v.strides == (0,) else v * factor


def checked_quantile(quantile: Any) -> float:
    """τ as a float."""
    is_number = isinstance(quantile, numbers.Real) and not isinstance(quantile, bool)
    if not (is_number and 0 < quantile < 1):
        raise ValueError(
            f"quantile must be a number in (0, 1), not {quantile!r}: 0.5 is the ℓ1 loss"
        )
    if min(quantile, 1 - quantile) < LEAST:
        raise ValueError(
            f"quantile is {quantile!r}, closer to 0 or 1 than {LEAST:.0e}: no sample tells it from "
            "the least or the greatest value"
        )
    return float(quantile)


def checked_arrays(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[NDArray[Any], Vector, Vector | None]:
    """X as it came, as an array; y and the weights in float64."""
    X = real_array("X", X)
    y = real_array("y", y)
    if X.ndim != 2:
        hint = " (write X[:, None] for a single column)" if X.ndim == 1 else ""
        raise ValueError(f"X must have two axes, rows and columns, not shape {X.shape}{hint}")
    if X.size == 0:
        raise ValueError(f"X is empty: it has {X.shape[0]} rows and {X.shape[1]} columns")
    targets = per_row("y", y, len(X))
    weights = None if sample_weight is None else _weights(sample_weight, len(X))
    return X, targets, weights


def checked_vector(name: str, values: ArrayLike, size: int) -> Vector:
    """Coefficients or dual variables in float64, as many as there must be."""
    array: Vector = real_array(name, values).astype(np.float64, copy=False)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold {size} finite numbers for this X, not {array!r}")
    return array


def refuse_not_finite(X: NDArray[Any], problem: Problem) -> None:
    """Say where X is not finite, if it is not. The rows of the problem are summed up anyway.

    Raises:
        ValueError: An entry is NaN or infinite, or all are finite but their sums are not.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        size = float((problem.v * np.abs(problem.y)).sum())
        all_fine = is_in_range(problem.reach, size, problem.v)
    if all_fine and len(X) == len(problem.y):
        return
    for start in range(0, len(X), 4096):
        wrong = ~np.isfinite(X[start : start + 4096])
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value = X[start + row, column]
            raise ValueError(f"X[{start + row}, {column}] is {value}: every entry must be finite")
    if not all_fine:
        raise ValueError(OUT_OF_RANGE)


def is_in_range(reach: Vector, targets: float, v: Vector) -> bool:
    """Whether squares and sums are safe: from Σ vᵢ|xᵢ|, Σ vᵢ|yᵢ|, and weights."""
    fine = (reach == 0) | ((reach > SMALLEST) & (reach < LARGEST))
    weights = (v == 0) | ((v > SMALLEST) & (v < LARGEST))
    return bool(fine.all() and np.isfinite(targets * 4) and weights.all())


def real_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """The values as an array, which holds real numbers."""
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: convert it with {name}.toarray()")
    if np.ma.isMaskedArray(values):
        raise TypeError(f"{name} is a masked array: leave out the masked rows, or fill them")
    array = np.asarray(values)
    refuse_dtype(name, array.dtype)
    return array


def refuse_dtype(name: str, dtype: np.dtype[Any]) -> None:
    """Say how to convert what is not real numbers."""
    if dtype.kind not in "buif":
        remedy = {
            "c": "give real and imaginary parts as columns of their own",
            "O": "convert it, with astype(float) for instance, and encode what is not a number",
        }.get(dtype.kind, "encode it as numbers first")
        raise TypeError(f"{name} must be an array of real numbers, not of dtype {dtype}: {remedy}")


def per_row(name: str, values: NDArray[Any], n: int, first: int = 0) -> Vector:
    """One finite number in float64 for each of n rows, of which ``first`` is the first."""
    if values.shape != (n,):
        hint = f": write {name}.ravel()" if values.size == n and values.ndim > 1 else ""
        raise ValueError(
            f"{name} has shape {values.shape}, but X has {n} rows: expected shape ({n},){hint}"
        )
    column = values.astype(np.float64, copy=False)
    if not np.isfinite(column).all():
        row = int(np.argmin(np.isfinite(column)))
        raise ValueError(f"{name}[{first + row}] is {column[row]}: every entry must be finite")
    return column


def _weights(sample_weight: ArrayLike, n: int) -> Vector:
    weights = per_row("sample_weight", real_array("sample_weight", sample_weight), n).copy()
    if weights.min() < 0:
        first = int(np.argmax(weights < 0))
        raise ValueError(f"sample_weight[{first}] is {weights[first]}: weights are at least 0")
    if not weights.any():
        raise ValueError("sample_weight is zero in every row: nothing is left to fit")
    return weights
