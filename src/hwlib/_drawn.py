"""The data of a figure, read from what matplotlib has drawn.

The table is long: one row for each point, bar, interval or pixel, with its panel, its series and
the labels of its axes in columns of their own. Lines of grid and frame, texts and patches that
were added one by one are not data: a figure that consists of them names its own columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Row = dict[str, Any]
COLUMNS = (
    *("panel", "series", "x label", "y label", "x", "x low", "x high", "y", "y low", "y high"),
    *("row", "column", "value"),
)
_NAMING = {"FixedFormatter", "FuncFormatter", "StrCategoryFormatter"}


def columns(figure: Figure) -> dict[str, list[Any]]:
    """The columns of a figure's table, without those that would be empty; none if it has no data.

    A place that does not apply to a row, such as ``x`` of a horizontal line, is None.
    """
    rows = []
    for number, ax in enumerate(figure.axes, start=1):
        place = {
            "panel": _title(ax) or (str(number) if len(figure.axes) > 1 else None),
            "x label": _label(ax, "x"),
            "y label": _label(ax, "y"),
        }
        rows += [place | row for row in _rows(ax)]
    used = [name for name in COLUMNS if any(row.get(name) is not None for row in rows)]
    return {name: [row.get(name) for row in rows] for name in used}


def _title(ax: Axes) -> str:
    titles = (ax.get_title(loc=side) for side in ("left", "center", "right"))
    return next(filter(None, titles), "")


def _label(ax: Axes, which: str) -> str | None:
    """An axis' label, which panels that share an axis show only once."""
    siblings = getattr(ax, f"get_shared_{which}_axes")().get_siblings(ax)
    labels = (getattr(one, f"get_{which}label")() for one in [ax, *siblings])
    return next(filter(None, labels), None)


def _rows(ax: Axes) -> Iterator[Row]:
    """The rows of all that is drawn, with the names of places on the axes and of the series."""
    names = {which: _tick_names(getattr(ax, f"{which}axis")) for which in "xy"}
    read = [(artist, list(rows)) for artist, rows in _read(ax)]
    read = [(artist, rows) for artist, rows in read if rows]
    for number, (artist, rows) in enumerate(read, start=1):
        series = _series(artist) or (str(number) if len(read) > 1 else None)
        for row in rows:
            spelled = {w: names[w].get(row[w], row[w]) for w in names if w in row}
            yield {"series": series} | row | spelled


def _read(ax: Axes) -> Iterator[tuple[Any, Iterator[Row]]]:
    """Containers first: their parts are among the lines, patches and collections, too."""
    containers = [container for container in ax.containers if _reader(container)]
    parts = {id(part) for container in containers for part in _flat(container)}
    loose = [*ax.lines, *ax.patches, *ax.collections, *ax.images]
    for artist in [*containers, *(one for one in loose if id(one) not in parts)]:
        read = _reader(artist)
        if read:
            yield artist, read(artist)


def _reader(artist: Any) -> Any:
    kinds = [kind.__name__ for kind in type(artist).__mro__]
    return next((_READERS[kind] for kind in kinds if kind in _READERS), None)


def _flat(container: Any) -> Iterator[Any]:
    for part in container:
        if isinstance(part, tuple):
            yield from _flat(part)
        else:
            yield part


def _series(artist: Any) -> str | None:
    """The name of an artist's group (``gid``), or its label; those of matplotlib start with _.

    The label of a histogram stands on its first bar.
    """
    named = [artist, *getattr(artist, "patches", ())[:1]]
    groups = [one.get_gid() for one in named if hasattr(one, "get_gid")]
    labels = [label for one in named if not (label := str(one.get_label() or "_")).startswith("_")]
    return next(filter(None, groups + labels), None)


def _points(xy: Any) -> Iterator[Row]:
    for x, y in np.ma.filled(np.ma.asarray(xy, dtype=float), np.nan):
        yield {"x": x, "y": y}


def _line(line: Any) -> Iterator[Row]:
    """A line in the data's coordinates; of ``axhline`` and ``axvline`` the one coordinate."""
    in_x, in_y = line.get_transform().contains_branch_seperately(line.axes.transData)
    xy = np.atleast_2d(line.get_xydata())
    if in_x and in_y:
        yield from _points(xy)
    elif in_x or in_y:
        yield {"x": xy[0, 0]} if in_x else {"y": xy[0, 1]}


def _error_bars(container: Any) -> Iterator[Row]:
    """The points of ``errorbar`` with the ends of their bars."""
    line, _, bars = container
    ends = [np.array(bar.get_segments()) for bar in bars]
    names = [n for n, has in (("x", container.has_xerr), ("y", container.has_yerr)) if has]
    rows = list(_points(line.get_xydata() if line else ends[0].mean(axis=1)))
    for name, segments in zip(names, ends, strict=True):
        values = segments[..., "xy".index(name)]
        for row, low, high in zip(rows, values.min(axis=1), values.max(axis=1), strict=True):
            row |= {f"{name} low": low, f"{name} high": high}
    yield from rows


def _bars(container: Any) -> Iterator[Row]:
    """Bars by their place where the axis has names, else by their edges."""
    along, across = ("x", "y") if container.orientation == "horizontal" else ("y", "x")
    for bar in container.patches:
        named = bool(_tick_names(getattr(bar.axes, f"{across}axis")))
        box = bar.get_bbox()
        start, end = sorted((getattr(box, f"{across}0"), getattr(box, f"{across}1")))
        place = {across: round((start + end) / 2)}
        edges = {f"{across} low": start, f"{across} high": end}
        yield (place if named else edges) | {along: getattr(box, f"{along}1")}


def _tick_names(axis: Axis) -> dict[float, str]:
    """The ticks that have a name, not just their number, by their place."""
    formatter = axis.get_major_formatter()
    if type(formatter).__name__ not in _NAMING:
        return {}
    places = axis.get_majorticklocs()
    named = zip(places, formatter.format_ticks(list(places)), strict=True)
    return {float(place): name for place, name in named if any(map(str.isalpha, name))}


def _stairs(patch: Any) -> Iterator[Row]:
    """The steps of ``stairs`` with their edges."""
    values, edges, _ = patch.get_data()
    for low, high, value in zip(edges[:-1], edges[1:], values, strict=True):
        yield {"x low": low, "x high": high, "y": value}


def _rectangle(patch: Any) -> Iterator[Row]:
    """The interval of ``axhspan`` or ``axvspan``; other rectangles are drawings."""
    in_x, in_y = patch.get_transform().contains_branch_seperately(patch.axes.transData)
    if in_x != in_y:
        box = patch.get_bbox()
        yield {"x low": box.x0, "x high": box.x1} if in_x else {"y low": box.y0, "y high": box.y1}


def _outline(patch: Any) -> Iterator[Row]:
    """The corners of a filled shape."""
    yield from _points(patch.get_xy())


def _scatter(collection: Any) -> Iterator[Row]:
    """The points of a scatter plot."""
    yield from _points(collection.get_offsets())


def _area(collection: Any) -> Iterator[Row]:
    """The outline of what ``fill_between`` fills."""
    for path in collection.get_paths():
        yield from _points(path.vertices)


def _contours(contours: Any) -> Iterator[Row]:
    """The outlines of each level, or of each band between two, as the series' names say."""
    levels = [f"{level:g}" for level in contours.levels]
    if contours.filled:
        levels = [f"{low} to {high}" for low, high in pairwise(levels)]
    for level, path in zip(levels, contours.get_paths(), strict=True):
        for row in _points(path.vertices):
            yield {"series": level} | row


def _image(image: Any) -> Iterator[Row]:
    """The pixels of a grey picture; a picture in colours has no values to tell."""
    values: Any = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
    if values.ndim == 2:
        for (row, column), value in np.ndenumerate(values):
            yield {"row": row, "column": column, "value": value}


# By the name of the class: matplotlib is loaded only where something is drawn.
_READERS: dict[str, Any] = {
    "Line2D": _line,
    "ErrorbarContainer": _error_bars,
    "BarContainer": _bars,
    "StepPatch": _stairs,
    "Rectangle": _rectangle,
    "Polygon": _outline,
    "PathCollection": _scatter,
    "PolyCollection": _area,
    "ContourSet": _contours,
    "AxesImage": _image,
}
