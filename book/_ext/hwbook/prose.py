"""What the prose of a page may not do, each a warning that stops a strict build.

- A decimal is a recorded or published value, never typed.
- A numbered equation that is not a definition (label ``def-…``) has a claim that evaluates it.
- A code cell has no magics: some of them let a cell that raises count as executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

from hwbook.ledger import carried_by

logger = logging.getLogger(__name__)

DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+")
MAGIC = re.compile(r"^\s*(%{1,2}[a-zA-Z]\w*|!|\?)", re.MULTILINE)
DEFINITION = "def-"
_NOT_PROSE = (
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.citation,
    nodes.comment,
    addnodes.desc,
    addnodes.toctree,
)


def setup(app: Sphinx) -> None:
    """Look at each page as soon as it is read."""
    app.connect("doctree-read", _look)


def typed_decimals(node: nodes.Node) -> Iterator[tuple[str, nodes.Node]]:
    """Each decimal in a text that is prose, with the text node that holds it."""
    if isinstance(node, _NOT_PROSE):
        return
    if _is_cell(node):  # of a cell only the captions are prose
        for caption in node.findall(nodes.caption):
            yield from typed_decimals(caption)
        return
    if isinstance(node, nodes.Text):
        yield from ((match.group(), node) for match in DECIMAL.finditer(node))
    for child in node.children:
        yield from typed_decimals(child)


def unclaimed_equations(doctree: nodes.document) -> list[nodes.math_block]:
    """The numbered equations that are neither definitions nor evaluated by a claim."""
    claimed = {record.get("equation") for record in carried_by(doctree)}
    return [
        block
        for block in doctree.findall(nodes.math_block)
        if block.get("label")
        and not block["label"].startswith(DEFINITION)
        and block["label"] not in claimed
    ]


def magics(doctree: nodes.document) -> Iterator[tuple[str, nodes.Node]]:
    """Each magic or shell escape in a code cell."""
    for cell in doctree.findall(nodes.container):
        if "cell_input" in cell["classes"]:
            for match in MAGIC.finditer(cell.astext()):
                yield match.group().strip(), cell


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and (
        "cell_input" in node["classes"] or "cell_output" in node["classes"]
    )


def _look(app: Sphinx, doctree: nodes.document) -> None:
    for number, node in typed_decimals(doctree):
        _warn(f"the decimal {number} is typed: quote a recorded value", node)
    for block in unclaimed_equations(doctree):
        _warn(f"no claim evaluates equation {block['label']!r}", block)
    for magic, cell in magics(doctree):
        _warn(f"a code cell uses {magic!r}", cell)


def _warn(message: str, node: nodes.Node) -> None:
    place = node if isinstance(node, nodes.Element) else node.parent
    logger.warning(message, location=place, type="hwbook")
