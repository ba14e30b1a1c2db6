"""``{seeds}``: a table of the seeds that stand in the cells of each page, read from the sources.

It is filled in when the page is written. A page with ``{recorded}`` values is written in every
build, so the table follows the other pages.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SEED = re.compile(
    r"\b(?:default_rng|manual_seed|random\.seed)\([^()]+\)|\b(?:seed|random_state)=\d+"
)


class pending_seeds(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes this way
    """The place where the table goes."""


class SeedsDirective(SphinxDirective):
    """The table of all seeds, page by page."""

    def run(self) -> list[nodes.Node]:
        """Leave a place to fill once every page has been read."""
        return [pending_seeds()]


def setup(app: Sphinx) -> None:
    """Register the directive, and fill in its table."""
    app.add_node(pending_seeds)
    app.add_directive("seeds", SeedsDirective)
    app.connect("doctree-resolved", _fill)


def seeds_in(source: str) -> Counter[str]:
    """Each way in which the cells of a page set a seed, and how often."""
    cells = read_myst_markdown_notebook(source, MdParserConfig()).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return Counter(" ".join(found.split()) for found in SEED.findall(code))


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(pending_seeds)):
        place.replace_self(_table(app, docname))


def _table(app: Sphinx, docname: str) -> nodes.table:
    rows = [_row(nodes.Text("page"), nodes.Text("seeds"))]
    for page in app.env.toctree_includes.get(app.config.root_doc, []):
        seeds = seeds_in(Path(app.env.doc2path(page)).read_text(encoding="utf-8"))
        if seeds:
            address = app.builder.get_relative_uri(docname, page)
            title = app.env.titles[page].astext()
            link = nodes.reference("", title, internal=True, refuri=address)
            rows.append(_row(link, *_listed(seeds)))
    columns = [nodes.colspec(colwidth=1), nodes.colspec(colwidth=2)]
    head, body = nodes.thead("", rows[0]), nodes.tbody("", *rows[1:])
    return nodes.table("", nodes.tgroup("", *columns, head, body, cols=2))


def _row(first: nodes.Node, *rest: nodes.Node) -> nodes.row:
    cells = (nodes.paragraph("", "", first), nodes.paragraph("", "", *rest))
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def _listed(seeds: Counter[str]) -> list[nodes.Node]:
    listed: list[nodes.Node] = []
    for seed, times in seeds.items():
        listed += [nodes.literal("", seed), nodes.Text(f" × {times}, " if times > 1 else ", ")]
    listed[-1] = nodes.Text(listed[-1].astext().removesuffix(", "))
    return listed
