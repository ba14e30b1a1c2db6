"""Figures that follow the reader's theme: one style, drawn by matplotlib, shown as inline SVG.

A figure is drawn once, on a transparent ground, in a fixed set of colours. :func:`show` replaces
each of these by a CSS variable (``--hw-ink``, ``--hw-c0``, …), which the site sets for its light
and its dark theme; elsewhere the colours stand as they were drawn. The six categorical colours
start from the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), which stays
distinguishable under the common forms of colour blindness.

A figure also carries its data, as a table that the site offers for download: read from the lines,
bars and pictures in it, or given as columns where these do not say it.

A figure that :func:`live` shows answers back on the site: a script puts one to play with in its
place. Elsewhere, on paper and without JavaScript it is an ordinary figure.

This module loads matplotlib, which comes with the extra ``plot``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwlib import _drawn, _live, _notebook, _svg, _table
from hwlib._extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLORS", "GRID", "INK", "MUTED", "PAPER", "live", "show", "use_style"]

INK = "#202124"
MUTED = "#5f6369"
GRID = "#d5d8dc"
PAPER = "#fefefe"
COLORS = ("#00599f", "#a83a00", "#1da675", "#9e5670", "#c17609", "#427cb0")

_VARIABLES = {
    INK: "--hw-ink",
    MUTED: "--hw-muted",
    GRID: "--hw-grid",
    PAPER: "--hw-paper",
    **{color: f"--hw-c{i}" for i, color in enumerate(COLORS)},
}


def use_style() -> None:
    """Make the book's figure style matplotlib's default for this session.

    Raises:
        ModuleNotFoundError: matplotlib is missing; the message names the extra.
    """
    matplotlib = require("matplotlib", "plot")
    matplotlib.rcParams.update(_style(require("cycler", "plot").cycler))


def show(figure: Figure, alt: str, data: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Display a figure with its alternative text and its data, and close it.

    In a notebook the figure becomes an inline SVG whose colours are CSS variables and whose bytes
    depend on nothing but its content; the output holds its data as ``text/csv`` beside it.
    Elsewhere matplotlib shows it in its own window.

    Without ``data`` the table is read from the figure: a row for each point of a line or of a
    scatter plot, each bar, step, error bar, level and pixel, with the panel's title, the labels of
    the axes and the label of the series. A drawing that is made of texts and single patches has
    no such data, and photographs or very long lines have too much of it: name what it shows.

    Args:
        figure: A matplotlib figure drawn after :func:`use_style`.
        alt: What the figure shows, in one or two sentences, for a reader who cannot see it.
        data: The columns of its table by their names, all of the same length: numbers, which are
            written with six significant digits, or texts.

    Raises:
        ValueError: ``alt`` is empty, or ``data`` is no table.
    """
    _show(figure, alt, data, "", {})


def live(
    name: str,
    given: Mapping[str, Any],
    figure: Figure,
    alt: str,
    data: Mapping[str, Sequence[Any]] | None = None,
    *,
    part: bytes | None = None,
) -> None:
    """Display a figure as :func:`show` does, with what the site's script needs to make it answer.

    The script is ``book/_static/live/NAME.js``. All numbers that it starts from are given here, so
    that they come from the cell, as those of the drawing do.

    Args:
        name: The script's name.
        given: Numbers, texts and arrays by name, at full precision.
        figure: As for :func:`show`: what stands where no script runs.
        alt: As for :func:`show`.
        data: As for :func:`show`.
        part: Bytes that are too heavy for the page: the site keeps them in a file of their own,
            which the script loads when a reader asks for it.

    Raises:
        ValueError: As :func:`show`; or the name is none for a script, or a number is not finite.
        TypeError: Something is given that is neither a number, nor a text, nor an array.
    """
    more = {} if part is None else {_live.MIME: _live.part_text(name, part)}
    _show(figure, alt, data, _live.markup(name, given, part), more)


def _show(
    figure: Figure,
    alt: str,
    data: Mapping[str, Sequence[Any]] | None,
    beside: str,
    more: Mapping[str, str],
) -> None:
    """Display a figure with more markup beside it, and more forms of the output."""
    if not alt.strip():
        raise ValueError("a figure needs an alternative text: say in a sentence what it shows")
    table = _drawn.columns(figure) if data is None else _table.checked(data)
    forms = {_table.MIME: _table.csv_text(table), **more} if table else more
    pyplot = require("matplotlib.pyplot", "plot")
    if not _notebook.show(_markup(figure, alt) + beside, f"[figure: {alt}]", forms):
        pyplot.show()
    pyplot.close(figure)


def _style(cycler: Any) -> dict[str, Any]:
    return {
        "figure.figsize": (6.6, 3.6),
        "figure.facecolor": "none",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "none",
        "savefig.bbox": "tight",
        "savefig.pad_inches": 0.03,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlesize": 10.5,
        "axes.labelsize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=COLORS),
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "lines.linewidth": 1.8,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "legend.fontsize": 9.5,
        "font.family": "DejaVu Sans",
        "svg.fonttype": "path",
        "svg.hashsalt": "hwlib",
    }


def _markup(figure: Figure, alt: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = _svg.inline(buffer.getvalue(), label=" ".join(alt.split()), colors=_VARIABLES)
    return f'<div class="hw-figure">{svg}</div>'
