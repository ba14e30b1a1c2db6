"""A small table as CSV: checked columns, numbers of six digits, the same bytes each time."""

from __future__ import annotations

import csv
import io
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

MIME = "text/csv"
DIGITS = 6  # more than a figure shows, and light
_EXACT = 10**15


def checked(data: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The columns as lists.

    Raises:
        ValueError: There is no column or no row, a column has no name, the columns differ in
            length, or a cell is neither a number nor a text.
    """
    columns = {str(name).strip(): list(values) for name, values in data.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if not columns or "" in columns or len(columns) < len(data):
        raise ValueError("the data of a figure need columns, each with a name of its own")
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(f"the columns of a figure's data need the same number of rows: {lengths}")
    for name, values in columns.items():
        odd = next((v for v in values if not isinstance(v, numbers.Real | str | None)), "")
        if odd != "":
            raise ValueError(f"column {name!r} holds {odd!r}, which is neither number nor text")
    return columns


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """The columns as CSV with a line of names; a number that is missing is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(map(_cell, row))
    return out.getvalue()


def _cell(value: Any) -> str:
    """A whole number in full, any other with six significant digits."""
    if value is None or isinstance(value, str):
        return value or ""
    number = float(value)
    if not math.isfinite(number):
        return "" if math.isnan(number) else str(number)
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    return f"{number:.{DIGITS}g}"
