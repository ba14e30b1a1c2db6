"""Rows in the chunks of Dask arrays: how a pass over all of them is asked for.

A pass is one task for each chunk, and a tree of tasks that add up what they give. All of its tasks
are named after what they do, ``lad-look``, ``lad-survey``, ``lad-finish``, which is what Dask's
dashboard shows. When and where they run, and again after a loss, is Dask's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from hwlib._extras import require
from hwlib.lad._passes import Chunk, Spot, beside_one_another, chunk_at, count, fetch, load, total
from hwlib.lad._problem import refuse_dtype

# So many results are added up in one task.
FAN_IN = 8


def is_lazy(*arrays: Any) -> bool:
    """Whether one of them is a collection of Dask's; does not import it."""
    return any(type(array).__module__.partition(".")[0] == "dask" for array in arrays)


@dataclass(frozen=True, eq=False)
class Tasks:
    """Some of the tasks of a graph.

    Graphs are written down here as Dask's dictionaries: one call for a task, however many there
    are, where its own wrappers would look through all that is there each time.

    Attributes:
        keys: Which ones; or calls on them, to be made in the task that uses what they give.
        graph: All tasks, by key.
    """

    keys: list[Any]
    graph: dict[Any, Any]

    def then(self, name: str, calls: Iterable[tuple[Any, ...]]) -> Tasks:
        """New tasks, each a function and its arguments, among them keys of the graph."""
        name = f"{name}-{uuid4().hex}"
        layer = {(name, i): call for i, call in enumerate(calls)}
        return Tasks(list(layer), {**self.graph, **layer})

    def added(self) -> Tasks:
        """The one task that adds up what these give, some at a time."""
        tasks = self
        while tasks is self or len(tasks.keys) > 1:
            groups = [tasks.keys[i : i + FAN_IN] for i in range(0, len(tasks.keys), FAN_IN)]
            tasks = tasks.then("lad-total", ((total, group) for group in groups))
        return tasks

    def persisted(self) -> Tasks:
        """The same, all of one name, once computed and kept where they are."""
        array, lengths = require("dask.array", "dask").Array, (1,) * len(self.keys)
        kept = array(self.graph, self.keys[0][0], (lengths,), dtype=object).persist()
        graph = dict(kept.__dask_graph__())
        return Tasks(self.keys, {key: graph[key] for key in self.keys})


@dataclass(frozen=True, eq=False)
class Chunks:
    """Rows that lie in chunks elsewhere.

    Attributes:
        sources: For each a task that gives a :class:`~hwlib.lad._passes.Chunk`.
        counts: (chunks,) how many rows of weight > 0 each has.
        lengths: (chunks,) how many rows.
        d: Columns.
    """

    sources: Tasks
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
        beside: Tasks | None = None,
    ) -> Tasks:
        """``function(chunk, *arguments, *each[i])`` as a task for each chunk i.

        With ``beside`` what its task i gives comes last.
        """
        sources, own = self.sources, each or [()] * len(self.counts)
        if beside:
            sources = Tasks(sources.keys, {**sources.graph, **beside.graph})
            own = [(key,) for key in beside.keys]
        pairs = zip(sources.keys, own, strict=True)
        name = f"lad-{function.__name__}"
        return sources.then(name, ((function, key, *arguments, *more) for key, more in pairs))

    def over(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One pass: the sum of what the tasks give."""
        return computed(self.tasks(function, *arguments, **options).added())

    def fetched(self) -> list[Chunk]:
        """All of them, in memory."""
        parts = self.tasks(fetch)
        found: list[Chunk] = computed(parts.then("lad-gather", [(list, parts.keys)]))
        return found

    def column(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What the tasks give, one number for each row, as a Dask array that is yet to compute."""
        tasks = self.tasks(function, *arguments, **options)
        array = require("dask.array", "dask").Array
        lengths = tuple(self.lengths.tolist())
        return array(tasks.graph, tasks.keys[0][0], (lengths,), dtype=np.float64)

    def matched(self, name: str, values: Any) -> Tasks:
        """One number for each row, as a task for each chunk.

        Raises:
            ValueError: There are more, or fewer.
        """
        column, n = as_array(name, values), int(self.lengths.sum())
        if column.shape != (n,):
            raise ValueError(f"{name} has shape {column.shape}, but X has {n} rows")
        return _tasks_of(column.rechunk((tuple(self.lengths.tolist()),)))


def _tasks_of(array: Any) -> Tasks:
    """Those that give the chunks of a Dask array."""
    (array,) = require("dask", "dask").optimize(array)
    keys = list(require("dask.core", "dask").flatten(array.__dask_keys__()))
    return Tasks(keys, dict(array.__dask_graph__()))


def computed(tasks: Tasks) -> Any:
    """What a single task gives, on the scheduler that Dask is set to: threads, or a cluster."""
    (key,) = tasks.keys
    return require("dask.delayed", "dask").Delayed(key, tasks.graph).compute()


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
    loaded = _blockwise(load, (X, *columns))
    pairs = zip(spots, loaded.keys, strict=True)
    parts = [(chunk_at, spot, tau, intercept, key) for spot, key in pairs]
    return Chunks(Tasks(parts, loaded.graph), used, lengths, X.shape[1] + intercept)


def _blockwise(function: Callable[..., Any], arrays: Any) -> Tasks:
    """A task for each chunk of rows, which takes those of all arrays.

    As one blockwise operation without a sum over an index it is fused with what reads the chunk:
    nothing is read on one worker to be used on another.
    """
    array = require("dask.array", "dask")
    pairs = [(part, "ij"[: part.ndim]) for part in arrays]
    tasks = array.blockwise(
        function,
        "ij"[: max(part.ndim for part in arrays)],
        *(argument for pair in pairs for argument in pair),
        token=f"lad-{function.__name__}",
        dtype=object,
        meta=np.empty((0, 0), dtype=object),
        align_arrays=False,
    )
    return _tasks_of(tasks)


def arrays(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """The same as Dask arrays in the same chunks of rows; None for no weights."""
    if getattr(X, "ndim", 2) != 2:
        hint = " (write X[:, None] for a single column)" if X.ndim == 1 else ""
        raise ValueError(f"X must have two axes, rows and columns, not shape {X.shape}{hint}")
    if all(hasattr(part, "divisions") for part in (X, y)):
        X, y, sample_weight = _apart(X, y, sample_weight)
    X = as_array("X", X).rechunk({1: -1})
    columns = [y] if sample_weight is None else [y, sample_weight]
    if np.isnan(X.shape[0]) and any(_is_known(column) for column in columns):
        X = X.compute_chunk_sizes()
    weights = None if sample_weight is None else aligned("sample_weight", sample_weight, X)
    return X, aligned("y", y, X), weights


def _is_known(column: Any) -> bool:
    """Whether one can say how many rows it has without reading it."""
    return not hasattr(column, "divisions") and not np.isnan(np.shape(column)[:1]).any()


def _apart(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Columns of data frames as arrays, put side by side by their places, not by their index.

    In one operation, since columns that are read by themselves could come in other partitions.
    """
    if y.ndim != 1:
        raise ValueError("y is a data frame, but must be one column: write y['name']")
    columns, d = {"y": y}, X.shape[1]
    if hasattr(sample_weight, "divisions"):
        columns["sample_weight"], sample_weight = sample_weight, None
    for name, column in columns.items():
        if column.npartitions != X.npartitions:
            raise ValueError(
                f"{name} has {column.npartitions} partitions and X has {X.npartitions}: take both "
                "from one data frame, or repartition them"
            )
    named = [(f"X[{name!r}]", dtype) for name, dtype in X.dtypes.items()]
    for name, dtype in [*named, *((name, column.dtype) for name, column in columns.items())]:
        refuse_dtype(name, getattr(dtype, "numpy_dtype", dtype))
    table = X.map_partitions(
        beside_one_another,
        *columns.values(),
        names=tuple(columns),
        align_dataframes=False,
        meta=X._meta.iloc[:0]
        .astype("float64")
        .assign(**{f"hwlib {name}": 0.0 for name in columns}),
    ).to_dask_array()
    if len(columns) == 2:
        sample_weight = table[:, d + 1]
    return table[:, :d], table[:, d], sample_weight


def _counted(y: Any, weights: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of each chunk, and those of weight > 0."""
    columns = [y] if weights is None else [y, weights]
    tasks = _blockwise(count, columns)
    found = computed(tasks.then("lad-gather", [(list, tasks.keys)]))
    rows, used = np.array(found, dtype=np.intp).T
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
