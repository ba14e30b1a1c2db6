"""What is done to one chunk of the rows in a pass over all of them; and how the results add up.

Each function takes a :class:`Chunk` and returns something small: sums, or a few rows. It needs
NumPy and SciPy alone, so that it may run in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from math import ceil
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwlib.lad._certificate import Sums, farthest, summed
from hwlib.lad._columns import is_wide, overlap, triangle
from hwlib.lad._design import DenseDesign, Matrix, Vector
from hwlib.lad._pools import Cells, Index, Pairing, Pools, Start, pools, pools_by_sign
from hwlib.lad._problem import Problem, per_row, real_array, stacked, unit_weights
from hwlib.lad._rows import SEED, Few
from hwlib.lad._solution import Solution

# Rows of a block at most: with 20 columns they are 2.6 MB, and the calls on them cost little.
ROWS = 16_384


@dataclass(frozen=True)
class Spot:
    """Where a chunk lies: its number, its first row, and that among the rows of weight > 0."""

    number: int
    row: int
    first: int

    def __str__(self) -> str:
        return f"chunk {self.number}, which begins at row {self.row}"


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows that lie together.

    Attributes:
        spot: Where.
        problem: Those of weight > 0.
        X: All of them, as they came.
        used: The numbers of those of weight > 0; None for all.
    """

    spot: Spot
    problem: Problem
    X: NDArray[Any]
    used: Index | None = None

    @property
    def rows(self) -> Index:
        """The numbers of those of weight > 0 among the rows of all chunks."""
        used = np.arange(len(self.X)) if self.used is None else self.used
        return self.spot.row + used

    def blocks(self) -> Iterator[Chunk]:
        """Its rows of weight > 0, in pieces that stay in the cache for all that is asked of them.

        What is computed on the way is small, too, and its memory is used again.
        """
        n = len(self.problem.y)
        cuts = np.linspace(0, n, ceil(n / ROWS) + 1).astype(np.intp).tolist()
        for start, stop in pairwise(cuts):
            spot = replace(self.spot, first=self.spot.first + start)
            yield Chunk(spot, self.problem.part(start, stop), self.X[:0])


def load(*arrays: Any) -> tuple[Any, ...]:
    """The rows of a chunk, its targets, and its weights if there are any, as they come."""
    return arrays


def chunk_at(spot: Spot, tau: float, intercept: bool, loaded: tuple[Any, ...]) -> Chunk:
    """The chunk of what was loaded.

    Raises:
        TypeError: It does not hold real numbers.
        ValueError: Its arrays are not equally long, or y or the weights are not what they must be.
    """
    X, *columns = loaded
    X = _named(real_array, "X", X, spot)
    targets, v, used = _column("y", columns[0], X, spot), unit_weights(len(X)), None
    if len(columns) > 1:
        v = _column("sample_weight", columns[1], X, spot)
        if (v < 0).any():
            row = int(np.argmax(v < 0))
            raise ValueError(
                f"sample_weight[{spot.row + row}] is {v[row]}, in {spot}: weights are at least 0"
            )
        used = None if v.all() else np.flatnonzero(v)
    table = X
    if intercept:
        table = np.concatenate([np.ones((len(X), 1), X.dtype), X], axis=1)
    if used is None:
        return Chunk(spot, Problem(DenseDesign(table), targets, v, tau), X)
    return Chunk(spot, Problem(DenseDesign(table, used), targets[used], v[used], tau), X, used)


def _column(name: str, values: Any, X: NDArray[Any], spot: Spot) -> Vector:
    array = _named(real_array, name, values, spot)
    column: Vector = _named(per_row, name, array, spot, len(X), spot.row)
    return column


def _named(check: Callable[..., Any], name: str, values: Any, spot: Spot, *arguments: Any) -> Any:
    """What a check gives, or its refusal with the name of the chunk."""
    try:
        return check(name, values, *arguments)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}, in {spot}") from None


def beside_one_another(
    X: Any, *columns: Any, names: Sequence[str], partition_info: Any = None
) -> Any:
    """A partition of a data frame in float64, with one of columns at its right.

    Raises:
        ValueError: They are not equally long.
    """
    table = X.astype("float64")
    for name, column in zip(names, columns, strict=True):
        if len(column) != len(X):
            where = f"in chunk {partition_info['number']}" if partition_info else "in a chunk"
            raise ValueError(f"{name} has {len(column)} rows where X has {len(X)}, {where}")
        table.insert(table.shape[1], f"hwlib {name}", column.astype("float64").to_numpy())
    return table


def count(y: Any, weights: Any = None) -> tuple[int, int]:
    """How many rows there are, and how many of weight > 0."""
    rows = np.shape(y)[0]
    return rows, rows if weights is None else int(np.count_nonzero(weights))


def fetch(chunk: Chunk) -> Chunk:
    """The chunk itself.

    Raises:
        ValueError: An entry is not finite.
    """
    _refuse_not_finite(chunk)
    return chunk


def total(parts: Iterable[Any]) -> Any:
    """The sum of what several parts gave, added in pairs; None from one without rows is nothing."""
    there = [part for part in parts if part is not None]
    while len(there) > 1:
        pairs = [reduce(add, there[i : i + 2]) for i in range(0, len(there), 2)]
        there = pairs
    return there[0] if there else None


@dataclass(frozen=True, eq=False)
class Look:
    """What is to be known of the rows before anything else.

    Attributes:
        weight: Σ vᵢ.
        targets: Σ vᵢ|yᵢ|.
        reach: (d,) Σ vᵢ|xᵢ|.
        least: The smallest weight.
        largest: The largest one.
        sample: Rows by chance, in memory.
        thin: More of them.
    """

    weight: float
    targets: float
    reach: Vector
    least: float
    largest: float
    sample: Problem
    thin: Problem

    def __add__(self, other: Look) -> Look:
        return Look(
            self.weight + other.weight,
            self.targets + other.targets,
            self.reach + other.reach,
            min(self.least, other.least),
            max(self.largest, other.largest),
            stacked([self.sample, other.sample]),
            stacked([self.thin, other.thin]),
        )


def look(chunk: Chunk, size: int, step: int, sample: Index) -> tuple[Look | None, Chunk]:
    """A first look at a chunk, with some of its rows; and ``size`` more by chance, to stay there.

    About one row in ``step`` is the thin part.

    Raises:
        ValueError: An entry is not finite.
    """
    problem, v = chunk.problem, chunk.problem.v
    if len(v) == 0:
        _refuse_not_finite(chunk)
        return None, Chunk(chunk.spot, problem, np.empty((0, 0)))
    rng = np.random.default_rng((SEED, chunk.spot.number))
    drawn = np.sort(rng.integers(len(v), size=size))
    rows = Chunk(chunk.spot, problem.choose(drawn), np.empty((0, 0)))
    with np.errstate(over="ignore", invalid="ignore"):
        targets, reach = float((v * np.abs(problem.y)).sum()), problem.reach
    if chunk.used is not None or not np.isfinite(reach).all():
        _refuse_not_finite(chunk)
    seen = Look(
        float(v.sum()),
        targets,
        reach,
        float(v.min()),
        float(v.max()),
        problem.choose(sample),
        problem.choose(np.flatnonzero(rng.random(len(v)) < 1 / step)),
    )
    return seen, rows


def _refuse_not_finite(chunk: Chunk) -> None:
    wrong = ~np.isfinite(chunk.X)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"X[{chunk.spot.row + row}, {column}] is {chunk.X[row, column]}, in {chunk.spot}: "
            "every entry must be finite"
        )


@dataclass(frozen=True, eq=False)
class Survey:
    """The rows near a fit, and the pools of the others."""

    near: Few
    pools: Pools

    def __add__(self, other: Survey) -> Survey:
        return Survey(self.near + other.near, self.pools + other.pools)


def survey(chunk: Chunk, start: Start, threshold: float, most: int) -> Survey | None:
    """The rows with residuals up to a threshold, at most so many; or a choice of tied ones."""
    found: Survey | None = total(_survey(block, start, threshold) for block in chunk.blocks())
    if found is None or len(found.near.index) <= most:
        return found
    order = np.abs(found.near.r).argsort(kind="stable")
    near, far = (found.near.chosen(np.sort(part)) for part in (order[:most], order[most:]))
    return Survey(near, found.pools + pools_by_sign(far.problem, far.r))


def _survey(block: Chunk, start: Start, threshold: float) -> Survey:
    r = start.residuals(block.problem)
    near = np.abs(r) <= threshold
    if start.tie:
        drawn = np.random.default_rng((SEED, block.spot.first)).random(len(r))
        near = (r == 0) & (drawn < start.tie.share)
    return Survey(_few(block, np.flatnonzero(near), r), pools_by_sign(block.problem, r, ~near))


def _few(chunk: Chunk, index: Index, r: Vector) -> Few:
    return Few(chunk.spot.first + index, chunk.problem.choose(index), r[index])


def dual(chunk: Chunk, pairing: Pairing, kept: Index, a: Vector) -> Vector:
    """The dual variables of all rows of a chunk; 0 where the weight is."""
    full = np.zeros(len(chunk.X))
    rows = slice(None) if chunk.used is None else chunk.used
    if len(chunk.problem.y):
        r = pairing.cells.start.residuals(chunk.problem)
        full[rows] = pairing.dual(chunk.problem, r, kept, a)
    return full


@dataclass(frozen=True, eq=False)
class Finish:
    """What the rows say at the end: the sums of the certificate, and who changed its sign.

    Of the changed rows, at most ``most`` are held, those that change first: ``when`` (k,) is the
    share of the way from start to end. ``count`` is how many there are, and ``pools`` what
    :func:`finish` says of the others.
    """

    sums: Sums
    changed: Few
    when: Vector
    count: int
    most: int
    pools: Pools

    def __add__(self, other: Finish) -> Finish:
        return _first(
            Finish(
                self.sums + other.sums,
                self.changed + other.changed,
                np.append(self.when, other.when),
                self.count + other.count,
                self.most,
                self.pools + other.pools,
            )
        )


def _first(finish: Finish) -> Finish:
    if len(finish.when) <= finish.most:
        return finish
    first = np.sort(np.argpartition(finish.when, finish.most)[: finish.most])
    changed = finish.changed.chosen(first)
    return replace(finish, changed=changed, when=finish.when[first])


def finish(
    chunk: Chunk, pairing: Pairing, w: Vector, most: int, precise: bool, kept: Index, a: Vector
) -> Finish | None:
    """The certificate's sums of a chunk at (w, a), and its pooled rows that changed their sign.

    Once pools have been parted, also the pools as w parts them further.
    """
    cells = pairing.cells

    def part(block: Chunk, kept: Index, a: Vector) -> Finish:
        problem = block.problem
        start, r = cells.start.residuals(problem), problem.residuals(w)
        full = pairing.dual(problem, start, kept, a)
        sums = summed(problem, Solution(w, full, r=r), precise=precise)
        turned = cells.turned(problem, start, r)
        turned[kept] = 0
        index = np.flatnonzero(turned)
        when = start[index] / (start[index] - r[index])
        # Rows that are fitted at the start all change at once: in an order by chance.
        tied = when == 0
        when[tied] = -np.random.default_rng((SEED, block.spot.first)).random(tied.sum())
        further = _parted(block, start, cells.also_at(w), kept) if cells.later else Pools({})
        few = _few(block, index, start)
        return _first(Finish(sums, few, when, len(index), most, further))

    found: Finish | None = total(part(*own) for own in _with_kept(chunk, kept, a))
    return found


def parted(chunk: Chunk, cells: Cells, kept: Index, values: Vector) -> Pools | None:
    """The pools of a chunk, without its kept rows."""
    found: Pools | None = total(
        _parted(block, cells.start.residuals(block.problem), cells, own)
        for block, own, _ in _with_kept(chunk, kept, values)
    )
    return found


def _parted(block: Chunk, start: Vector, cells: Cells, kept: Index) -> Pools:
    others = np.delete(np.arange(len(start)), kept)
    return pools(block.problem, start, cells.numbers(block.problem, start), others)


def _with_kept(chunk: Chunk, kept: Index, a: Vector) -> Iterator[tuple[Chunk, Index, Vector]]:
    """The blocks of a chunk, each with its kept rows and their dual variables."""
    for block in chunk.blocks():
        start = block.spot.first - chunk.spot.first
        own = slice(*kept.searchsorted([start, start + len(block.problem.y)]))
        yield block, kept[own] - start, a[own]


def candidates(
    chunk: Chunk, start: Start, w: Vector, extent: Matrix, most: int, kept: Index, a: Vector
) -> Few | None:
    """The pooled rows that could limit w + extent @ t for |t| ≤ 1, in each entry.

    If they are more than ``most``, so many of them.
    """

    def part(block: Chunk, kept: Index, _: Vector) -> Few:
        r = block.problem.residuals(w)
        moves = np.zeros(len(r))
        for step in extent.T:
            moves += np.abs(block.problem.X.dot(step))
        near = (np.abs(r) <= moves) & (moves > 0)
        near[kept] = False
        return _few(block, np.flatnonzero(near), start.residuals(block.problem))

    found: Few | None = total(part(*own) for own in _with_kept(chunk, kept, a))
    return found and found.chosen(np.arange(min(most, len(found.index))))


@dataclass(frozen=True, eq=False)
class Squares:
    """XᵀVX, (d, d), and the largest |x| of each column, (d,)."""

    gram: Matrix
    largest: Vector

    def __add__(self, other: Squares) -> Squares:
        return Squares(self.gram + other.gram, np.maximum(self.largest, other.largest))


def squares(chunk: Chunk) -> Squares | None:
    """The squares of a chunk."""
    blocks = (block.problem for block in chunk.blocks())
    found: Squares | None = total(Squares(block.gram, block.X.largest()) for block in blocks)
    return found


@dataclass(frozen=True, eq=False)
class Triangles:
    """R of QR decompositions: (d, d) with RᵀR = XᵀVX, and the same with weights of 1."""

    weighted: Matrix
    plain: Matrix

    def __add__(self, other: Triangles) -> Triangles:
        return Triangles(
            np.asarray(np.linalg.qr(np.concatenate([self.weighted, other.weighted]), mode="r")),
            np.asarray(np.linalg.qr(np.concatenate([self.plain, other.plain]), mode="r")),
        )


def triangles(chunk: Chunk) -> Triangles | None:
    """The triangles of a chunk."""
    problem = chunk.problem
    if len(problem.y) == 0:
        return None
    weighted = triangle(problem)
    if problem.v.strides == (0,):
        return Triangles(weighted, weighted)
    return Triangles(weighted, triangle(replace(problem, v=unit_weights(len(problem.y)))))


def overlaps(chunk: Chunk, half: Matrix, directions: Matrix) -> Matrix | None:
    """See :func:`hwlib.lad._columns.overlap`."""
    return overlap(chunk.problem.X, half, directions) if len(chunk.problem.y) else None


@dataclass(frozen=True)
class Width:
    """Whether the dependent directions have a width, and how far the dual is from feasible."""

    is_wide: bool
    farthest: float

    def __add__(self, other: Width) -> Width:
        return Width(self.is_wide or other.is_wide, max(self.farthest, other.farthest))


def width(
    chunk: Chunk,
    plain: tuple[Matrix, Matrix, Matrix, Vector] | None,
    half: Matrix,
    e: Vector,
    error: Vector,
) -> Width | None:
    """Both for a chunk; ``plain`` is what :func:`hwlib.lad._columns.is_wide` takes, if it must."""
    problem = chunk.problem
    if len(problem.y) == 0:
        return None
    wide = is_wide(problem.X, *plain) if plain else False
    return Width(wide, farthest(problem, half, e, error))


@dataclass(frozen=True, eq=False)
class Check:
    """What :func:`hwlib.lad.verify` asks: the sums, their scale, and whether a is in its box."""

    sums: Sums
    targets: float
    reach: Vector
    is_inside: bool

    def __add__(self, other: Check) -> Check:
        return Check(
            self.sums + other.sums,
            self.targets + other.targets,
            self.reach + other.reach,
            self.is_inside and other.is_inside,
        )


def check(chunk: Chunk, w: Vector, precise: bool, dual: Vector) -> Check | None:
    """The check of a chunk, with the dual variables of all of its rows."""
    problem = chunk.problem
    _refuse_not_finite(chunk)
    if len(problem.y) == 0:
        return None
    a = dual if chunk.used is None else dual[chunk.used]
    inside = np.nan_to_num(np.clip(a, problem.lower, problem.upper))
    is_inside = bool((inside == a).all()) and np.count_nonzero(a) == np.count_nonzero(dual)
    sums = summed(problem, Solution(w, inside), precise=precise)
    targets = float((problem.v * np.abs(problem.y)).sum())
    return Check(sums, targets, problem.reach, is_inside)
