"""The opening of a chapter: which problem, how long it takes to read, how much it claims.

A page that starts with a paragraph in italics has an opening. The first line of that paragraph
becomes a quiet line above the text, with the reading time and the number of claims added; the
rest, what the reader will be able to do at the end, stands upright below it.
"""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

from hwbook.ledger import carried_by

# For someone who follows each step: words of prose, lines of code, displayed formulas.
WORDS_PER_MINUTE = 200
LINES_PER_MINUTE = 20
FORMULAS_PER_MINUTE = 4
STEP = 5  # minutes: nobody reads to the minute
_SKIPPED = {"solution", "tag_hide-input", "tag_hide-cell", "tag_remove-input", "tag_remove-cell"}


def setup(app: Sphinx) -> None:
    """Set each opening as soon as its page is read."""
    app.connect("doctree-read", lambda _, doctree: set_opening(doctree))


def reading_minutes(page: nodes.Element) -> int:
    """How long a page takes, without its solutions and the code that only draws."""
    words = lines = formulas = 0
    for node in _read(page):
        if isinstance(node, nodes.literal_block):
            lines += len(node.astext().splitlines())
        elif isinstance(node, nodes.math_block):
            formulas += 1
        else:
            words += len(node.astext().split())
    exact = words / WORDS_PER_MINUTE + lines / LINES_PER_MINUTE + formulas / FORMULAS_PER_MINUTE
    return max(STEP, STEP * round(exact / STEP))


def set_opening(doctree: nodes.document) -> None:
    """Turn a first paragraph in italics into the line of facts and the lead."""
    paragraph = next(doctree.findall(nodes.paragraph), None)
    if paragraph is None or len(paragraph) != 1 or not isinstance(paragraph[0], nodes.emphasis):
        return
    italics = paragraph[0]
    first = italics[0].astext()
    subject, _, rest = first.partition("\n")
    facts = [subject.removesuffix("."), f"{reading_minutes(doctree)} minutes to read"]
    claims = sum(record["sort"] == "claim" for record in carried_by(doctree))
    if claims:
        facts.append(f"{claims} claim{'s' if claims > 1 else ''}")
    line = nodes.paragraph("", " · ".join(facts), classes=["hw-facts"])
    lead = nodes.paragraph("", "", nodes.Text(rest), *italics[1:], classes=["hw-lead"])
    paragraph.replace_self([line, lead])


def _read(node: nodes.Node) -> Iterator[nodes.Node]:
    """The texts, listings and formulas that a reader meets."""
    if isinstance(node, nodes.literal_block | nodes.math_block | nodes.Text):
        yield node
    elif isinstance(node, nodes.Element) and not _SKIPPED.intersection(node.get("classes", ())):
        for child in node.children:
            yield from _read(child)
