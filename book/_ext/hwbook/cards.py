"""Cards: small figures that lead to the chapters, with a caption and without a number.

A figure in a cell tagged ``card`` becomes one, so that the chapters' figures count from 1.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BEFORE_OTHERS = 300


class card(nodes.figure):  # noqa: N801 - docutils names nodes this way
    """A figure that Sphinx does not number, because it numbers by class."""


def setup(app: Sphinx) -> None:
    """Register the node, which is written like a figure, and the pass that makes it."""
    app.add_node(card, html=(_visit, _depart))
    app.connect("doctree-read", _make_cards, priority=BEFORE_OTHERS)


def _make_cards(app: Sphinx, doctree: nodes.document) -> None:
    cells = [cell for cell in doctree.findall(nodes.container) if "tag_card" in cell["classes"]]
    for figure in [figure for cell in cells for figure in cell.findall(nodes.figure)]:
        made = card(figure.rawsource, *figure.children, **figure.attributes)
        figure.parent.replace(figure, made)


def _visit(translator: Any, node: card) -> None:
    translator.visit_figure(node)


def _depart(translator: Any, node: card) -> None:
    translator.depart_figure(node)
