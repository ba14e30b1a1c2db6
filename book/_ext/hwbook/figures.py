"""The data of each figure as a file beside the pages, linked at the end of its caption.

A cell's output holds the table in a form of its own, so that a page taken from the build's cache
still has it. It is taken out before the page is written: a reader loads it only on request.
"""

from __future__ import annotations

import html
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from hwbook import outputs
from hwlib._table import MIME

logger = logging.getLogger(__name__)

FOLDER = "figures"
LARGEST = 250_000  # bytes: more than that is no data of a figure but a data set
BEFORE_OTHERS = 400
_FORMAT = "csv"
_FILE = "hwbook_data"


def setup(app: Sphinx) -> None:
    """Register the passes over the pages."""
    outputs.keep(MIME, _FORMAT)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", _take_out, priority=BEFORE_OTHERS)
    app.connect("doctree-resolved", _link)
    app.connect("build-finished", _write)


def _tables(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """The tables of each page, by the names of their files."""
    if not hasattr(env, "hwbook_tables"):
        env.hwbook_tables = {}  # type: ignore[attr-defined]
    return env.hwbook_tables  # type: ignore[attr-defined, no-any-return]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _tables(env).pop(docname, None)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    _tables(env).update({doc: found for doc, found in _tables(other).items() if doc in docnames})


def _take_out(app: Sphinx, doctree: nodes.document) -> None:
    """Move each table from the page to the environment, and tell its figure the file's name."""
    found = {}
    for figure in doctree.findall(nodes.figure):
        tables = outputs.kept(figure, _FORMAT)
        for table in tables:
            figure[_FILE] = f"{_name(figure)}.csv"
            found[figure[_FILE]] = table.astext()
        if _is_drawn(figure):
            _look(figure, "".join(table.astext() for table in tables))
    outputs.drop(doctree, _FORMAT)
    if found:
        _tables(app.env)[app.env.docname] = found


def _name(figure: nodes.figure) -> str:
    name = str(next(iter(figure["names"]), ""))
    return nodes.make_id(name.removeprefix("fig-"))


def _is_drawn(figure: nodes.figure) -> bool:
    return any("hw-figure" in raw.astext() for raw in figure.findall(nodes.raw))


def _look(figure: nodes.figure, table: str) -> None:
    if not _name(figure):
        _warn("a figure needs a name, for the file of its data", figure)
    elif not table:
        _warn("nothing can be read from this figure: give show(..., data=...)", figure)
    elif len(table.encode()) > LARGEST:
        _warn(f"the data of this figure has {len(table):,} bytes: give show(..., data=...)", figure)


def _warn(message: str, figure: nodes.figure) -> None:
    logger.warning(message, location=figure, type="hwbook")


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """End each caption with a link; what only a screen reader says tells the links apart."""
    numbers = app.env.toc_fignumbers.get(docname, {}).get("figure", {})
    up = "../" * docname.count("/")
    for figure in doctree.findall(nodes.figure):
        caption = next(figure.findall(nodes.caption), None)
        if _FILE not in figure or caption is None:
            continue
        address = html.escape(f"{up}{FOLDER}/{figure[_FILE]}")
        number = ".".join(map(str, numbers.get(figure["ids"][0], ())))
        which = f"figure {number}" if number else html.escape(caption.astext())
        link = (
            f'<a class="hw-data" href="{address}" download>data (CSV)'
            f'<span class="hw-sr"> of {which}</span></a>'
        )
        caption += [nodes.Text(" "), nodes.raw("", link, format="html")]


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for tables in _tables(app.env).values():
        for name, text in tables.items():
            (folder / name).write_text(text, encoding="utf-8")
