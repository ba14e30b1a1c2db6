"""A fit of rows that are in Dask's hands: from their chunks to a certified solution."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from hwlib._extras import require
from hwlib.lad import _passes
from hwlib.lad._certificate import Certificate, Certified, Scale, proven
from hwlib.lad._chunks import Chunks, arrays, as_array
from hwlib.lad._columns import independent, triangle
from hwlib.lad._design import Matrix, Vector
from hwlib.lad._face import extent, fits_one_point, middle
from hwlib.lad._problem import OUT_OF_RANGE, Problem, is_in_range, stacked
from hwlib.lad._reduction import is_large, solve_by_reduction
from hwlib.lad._rows import KEPT, unit
from hwlib.lad._there import (
    MANY,
    EndThere,
    Infeasibility,
    SolutionThere,
    TooManyRowsError,
    looked_at,
)

# Up to so many rows all of them come to the client.
FEW = 20_000
# So often the linear systems are solved again, for the last digits: each time a pass.
REFINEMENTS = 2
# So often rows are added to those that limit the optimal face.
ROUNDS = 3


def solve(chunks: Chunks, tau: float, solve_here: Callable[[Problem], Certified]) -> Certified:
    """Solve the problem of these rows; the dual variables are a Dask array.

    Raises:
        ValueError: An entry is not finite, or sums are not.
        MemoryError: Few rows do not settle the optimum, and all are too many to fetch.
    """
    if not is_large((chunks.n, chunks.d)) or chunks.n <= FEW:
        return _fetched(chunks, solve_here)
    rows = looked_at(chunks, tau)
    with suppress(TooManyRowsError):
        solution = solve_by_reduction(rows)
        assert isinstance(solution, SolutionThere)
        end, certificate, unique = _certified(solution.end)
        if certificate.holds or not _fits_in_memory(chunks):
            dual = chunks.column(_passes.dual, end.pairing, each=end.each)
            return replace(solution, w=end.w, a=dual), certificate, unique
    if _fits_in_memory(chunks):
        return _fetched(chunks, solve_here)
    raise MemoryError(
        f"the optimum of these {chunks.n} rows is not settled by some thousands of them, and all "
        "are too many to fetch: fit a sample of them"
    )


def _fits_in_memory(chunks: Chunks) -> bool:
    return chunks.n * chunks.d <= MANY


def _fetched(chunks: Chunks, solve_here: Callable[[Problem], Certified]) -> Certified:
    """The same with all rows in memory."""
    parts = chunks.fetched()
    problem = stacked([part.problem for part in parts])
    if not is_in_range(problem.reach, float((problem.v * np.abs(problem.y)).sum()), problem.v):
        raise ValueError(OUT_OF_RANGE)
    solution, certificate, unique = solve_here(problem)
    dual = np.zeros(int(chunks.lengths.sum()))
    dual[np.concatenate([part.rows for part in parts])] = solution.a
    lazy = require("dask.array", "dask").from_array(dual, chunks=(tuple(chunks.lengths.tolist()),))
    return replace(solution, a=lazy), certificate, unique


def check(chunks: Chunks, w: Vector, dual: Any, tau: float) -> Certificate:
    """What :func:`hwlib.lad.verify` finds: two passes where all is well."""
    parts = chunks.matched("dual", dual)
    infeasibility = Infeasibility(chunks)
    for precise in (False, True):
        found = chunks.over(_passes.check, w, precise, beside=parts)
        scale = Scale(found.targets, found.reach)
        bounds = infeasibility.bounds() if found.is_inside else [_nothing]
        certificate = proven(found.sums, scale, w, tau, bounds, precise=precise)
        if not found.is_inside:
            return replace(certificate, gap=np.inf, relative_gap=np.inf)
        if certificate.holds:
            break
    return certificate


def predicted(X: Any, coef: Vector, intercept: float) -> Any:
    """Xw + b, (n,), as a Dask array."""
    rows = as_array("X", X).rechunk({1: -1})
    return rows.map_blocks(_predicted, coef, intercept, drop_axis=1, dtype=np.float64)


def _predicted(
    rows: Matrix, coef: Vector, intercept: float, block_info: dict[int, Any] | None = None
) -> Vector:
    if not np.isfinite(rows).all():
        where = f"in chunk {block_info[0]['chunk-location'][0]}" if block_info else "in a chunk"
        raise ValueError(f"X holds entries that are not finite, {where}")
    fitted: Vector = rows @ coef + intercept
    return fitted


def r_squared(X: Any, y: Any, sample_weight: Any, coef: Vector, intercept: float) -> float:
    """1 − Σ vᵢ(yᵢ − ŷᵢ)² / Σ vᵢ(yᵢ − ȳ)²; where all y are equal 1 or 0, as scikit-learn has it."""
    X, y, v = arrays(X, y, sample_weight)
    v = y * 0 + 1 if v is None else v
    left = (v * (y - predicted(X, coef, intercept)) ** 2).sum()
    whole = (v * (y - (v * y).sum() / v.sum()) ** 2).sum()
    left, whole = require("dask", "dask").compute(left, whole)
    if whole == 0:
        return float(left == 0)
    return float(1 - left / whole)


def _nothing(_e: Vector, _error: Vector) -> float:
    """What is proved by a dual that is outside its box."""
    return np.inf


def _certified(end: EndThere) -> tuple[EndThere, Certificate, bool | None]:
    """The pair, moved to the middle of the optima, with the best certificate there is."""
    unique = None
    if end.is_settled:
        end, unique = _middle(end)
    certificate = end.certificate()
    if not certificate.holds:
        end = replace(end, precise=True)
        certificate = end.certificate()
    for _ in range(REFINEMENTS):
        if certificate.holds:
            break
        end = end.refined()
        certificate = end.certificate()
    return end, certificate, unique if certificate.holds else None


def _middle(end: EndThere) -> tuple[EndThere, bool | None]:
    """The middle of the optimal face, and whether it is a single point (None: not found out).

    The kept rows and the pools have an optimal face that contains that of all rows. Within its
    extent few pooled rows can change their sign; once these are kept, both faces are the same.
    """
    for _ in range(ROUNDS):
        if fits_one_point(end.kept.problem, end.a):
            return end, True
        problem, solution = end.reduced()
        rank = len(independent(triangle(problem))[0])
        if rank < end.rows.shape[1] and rank < end.rows.infeasibility.rank:
            return end, None
        reach = extent(problem, solution)
        if reach is None:
            return end, None
        most = int(KEPT * unit(end.rows.shape))
        found = end.over(_passes.candidates, end.pairing.cells.start, *reach, most)
        if len(found.index) == 0:
            moved, unique = middle(problem, solution)
            return replace(end, w=moved.w), unique
        end = end.keep(found)
    return end, None
