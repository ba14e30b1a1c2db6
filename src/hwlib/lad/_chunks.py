"""Rows in the chunks of Dask arrays: how a pass over all of them is asked for.

A pass is one task for each chunk, and a tree of tasks that add up what they give. All of its tasks
are named after what they do, ``lad-look``, ``lad-survey``, ``lad-finish``, which is what Dask's
dashboard shows. When and where they run, and again after a loss, is Dask's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from hwlib._extras import require
from hwlib.lad._passes import Chunk, Spot, count, fetch, load, total
from hwlib.lad._problem import refuse_dtype

# So many results are added up in one task.
FAN_IN = 8


def is_lazy(*arrays: Any) -> bool:
    """Whether one of them is a collection of Dask's; does not import it."""
    return any(type(array).__module__.partition(".")[0] == "dask" for array in arrays)


@dataclass(frozen=True, eq=False)
class Chunks:
    """Rows that lie in chunks elsewhere.

    Attributes:
        sources: For each a task that gives a :class:`~hwlib.lad._passes.Chunk`.
        counts: (chunks,) how many rows of weight > 0 each has.
        lengths: (chunks,) how many rows.
        d: Columns.
    """

    sources: Sequence[Any]
    counts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    d: int

    @property
    def n(self) -> int:
        """All rows of weight > 0."""
        return int(self.counts.sum())

    def split(self, index: NDArray[np.intp], *values: Any) -> list[tuple[Any, ...]]:
        """For each chunk its part of some rows, numbered in the chunk, with their values."""
        order = np.argsort(index, kind="stable")
        firsts = np.cumsum(self.counts) - self.counts
        cuts = np.searchsorted(index[order], firsts[1:])
        columns = [np.split(array[order], cuts) for array in (index, *values)]
        columns[0] = [part - first for part, first in zip(columns[0], firsts, strict=True)]
        return list(zip(*columns, strict=True))

    def tasks(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        each: Sequence[tuple[Any, ...]] | None = None,
    ) -> list[Any]:
        """``function(chunk, *arguments, *each[i])`` as a task for each chunk i."""
        run = require("dask", "dask").delayed(function, pure=False)
        name = f"lad-{function.__name__}-{uuid4().hex}"
        more = each or [()] * len(self.sources)
        return [
            run(source, *arguments, *own, dask_key_name=f"{name}-{i}")
            for i, (source, own) in enumerate(zip(self.sources, more, strict=True))
        ]

    def over(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One pass: the sum of what the tasks give."""
        return computed(added(self.tasks(function, *arguments, **options)))

    def fetched(self) -> list[Chunk]:
        """All of them, in memory."""
        parts: list[Chunk] = list(require("dask", "dask").compute(*self.tasks(fetch)))
        return parts

    def column(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What the tasks give, one number for each row, as a Dask array that is yet to compute."""
        array = require("dask.array", "dask")
        parts = zip(self.tasks(function, *arguments, **options), self.lengths, strict=True)
        return array.concatenate(
            [array.from_delayed(task, shape=(int(n),), dtype=np.float64) for task, n in parts]
        )

    def matched(self, name: str, values: Any) -> list[tuple[Any]]:
        """One number for each row, as a task for each chunk.

        Raises:
            ValueError: There are more, or fewer.
        """
        column, n = as_array(name, values), int(self.lengths.sum())
        if column.shape != (n,):
            raise ValueError(f"{name} has shape {column.shape}, but X has {n} rows")
        cut = column.rechunk((tuple(self.lengths.tolist()),))
        return [(part,) for part in cut.to_delayed().tolist()]


def added(parts: Sequence[Any]) -> Any:
    """The task that adds up what some tasks give, some at a time."""
    add = require("dask", "dask").delayed(total, pure=False)
    name = f"lad-total-{uuid4().hex}"
    level = 0
    while level == 0 or len(parts) > 1:
        groups = [list(parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
        parts = [add(group, dask_key_name=f"{name}-{level}-{i}") for i, group in enumerate(groups)]
        level += 1
    return parts[0]


def computed(task: Any) -> Any:
    """What a task gives, on the scheduler that Dask is set to: threads, or a cluster."""
    return require("dask", "dask").compute(task)[0]


def chunked(X: Any, y: Any, sample_weight: Any, tau: float, *, intercept: bool = False) -> Chunks:
    """The rows of Dask's arrays or data frames, of which y and the weights may be NumPy's.

    Chunks of the columns are put together. Where there are weights, or lengths are not known, a
    pass over y and the weights counts the rows first.

    Raises:
        TypeError: An array does not hold real numbers.
        ValueError: Shapes do not fit, or X is empty.
        ModuleNotFoundError: Dask is not there as a whole.
    """
    X, y, weights = arrays(X, y, sample_weight)
    lengths = used = np.array(X.chunks[0])
    if weights is not None or np.isnan(lengths).any():
        lengths, used = _counted(y, weights)
    if lengths.sum() == 0 or X.shape[1] == 0:
        raise ValueError(f"X is empty: it has {lengths.sum()} rows and {X.shape[1]} columns")
    if used.sum() == 0:
        raise ValueError("sample_weight is zero in every row: nothing is left to fit")
    firsts = zip(np.cumsum(lengths) - lengths, np.cumsum(used) - used, strict=True)
    spots = [Spot(i, int(row), int(first)) for i, (row, first) in enumerate(firsts)]
    columns = [y] if weights is None else [y, weights]
    loaded = _blockwise(load, (X, *columns), spots, tau=tau, intercept=intercept)
    return Chunks(loaded, used, lengths, X.shape[1] + intercept)


def _blockwise(function: Callable[..., Any], arrays: Any, each: Any, **options: Any) -> list[Any]:
    """A task for each chunk of rows, which takes those of all arrays, and one of ``each``.

    As one blockwise operation without a sum over an index it is fused with what reads the chunk:
    nothing is read on one worker to be used on another.
    """
    array = require("dask.array", "dask")
    own = np.empty(len(each), dtype=object)
    own[:] = each
    pairs = [(part, "ij"[: part.ndim]) for part in (array.from_array(own, chunks=1), *arrays)]
    tasks = array.blockwise(
        function,
        "ij"[: max(part.ndim for part in arrays)],
        *(argument for pair in pairs for argument in pair),
        token=f"lad-{function.__name__}",
        dtype=object,
        meta=np.empty((0, 0), dtype=object),
        align_arrays=False,
        **options,
    )
    delayed: list[Any] = tasks.to_delayed().ravel().tolist()
    return delayed


def arrays(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """The same as Dask arrays in the same chunks of rows; None for no weights."""
    if all(hasattr(part, "divisions") for part in (X, y)):
        X, y, sample_weight = _apart(X, y, sample_weight)
    X = as_array("X", X)
    if X.ndim != 2:
        hint = " (write X[:, None] for a single column)" if X.ndim == 1 else ""
        raise ValueError(f"X must have two axes, rows and columns, not shape {X.shape}{hint}")
    X = X.rechunk({1: -1})
    weights = None if sample_weight is None else aligned("sample_weight", sample_weight, X)
    return X, aligned("y", y, X), weights


def _apart(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Columns of data frames as arrays: read by themselves, they could come in other chunks."""
    for name, part in (("X", X), ("y", y)):
        as_array(name, part)  # for its dtype alone
    if y.ndim != 1:
        raise ValueError("y is a data frame, but must be one column: write y['name']")
    d, more = X.shape[1], {"hwlib y": y}
    if hasattr(sample_weight, "divisions"):
        as_array("sample_weight", sample_weight)
        more["hwlib v"], sample_weight = sample_weight, None
    table = as_array("X", X.assign(**more))
    if len(more) == 2:
        sample_weight = table[:, d + 1]
    return table[:, :d], table[:, d], sample_weight


def _counted(y: Any, weights: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of each chunk, and those of weight > 0."""
    columns = [y] if weights is None else [y, weights]
    tasks = _blockwise(count, columns, [None] * y.numblocks[0])
    rows, used = np.array(require("dask", "dask").compute(*tasks), dtype=np.intp).T
    return rows, used


def as_array(name: str, values: Any) -> Any:
    """A Dask array of real numbers."""
    array = require("dask.array", "dask")
    if hasattr(values, "to_dask_array"):
        values = values.to_dask_array()
    if not isinstance(values, array.Array):
        values = array.from_array(np.asarray(values))
    refuse_dtype(name, values.dtype)
    return values


def aligned(name: str, values: Any, X: Any) -> Any:
    """One number per row, in the chunks of X."""
    values = as_array(name, values)
    if values.ndim != 1:
        hint = f": write {name}[:, 0]" if values.ndim == 2 else ""
        raise ValueError(f"{name} has shape {values.shape}, but must have one axis{hint}")
    n, rows = X.shape[0], values.shape[0]
    if not np.isnan(n) and not np.isnan(rows):
        if n != rows:
            raise ValueError(
                f"{name} has shape {values.shape}, but X has {n} rows: expected shape ({n},)"
            )
        return values.rechunk((X.chunks[0],))
    if values.numblocks[0] != X.numblocks[0]:
        raise ValueError(
            f"{name} has {values.numblocks[0]} chunks and X has {X.numblocks[0]}, of unknown "
            "lengths: find them out with compute_chunk_sizes(), or chunk both alike"
        )
    return values
