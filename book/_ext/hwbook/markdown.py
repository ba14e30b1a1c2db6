"""A page in plain Markdown, as Jupyter shows it, from the page as Sphinx resolved it.

Recorded values, numbers and references are text by then, so nothing is left that only Sphinx
understands. Code cells stay in place, for whoever makes them into cells of a notebook.
"""

from __future__ import annotations

import html
import posixpath
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

ONLY_ON_THE_SITE = "hw-site"  # the class of what a notebook leaves out

_SPECIAL = re.compile(r"([\\`*_\[\]<$])")
_LIST_LIKE = re.compile(r"^(\s*)([-+#>]|\d+[.)])(?=\s)", re.M)
_FORMULA = re.compile(r"(\$[^$]+\$)")
_LABEL = re.compile(r'aria-label="([^"]*)"')
_UNSEEN = (nodes.target, nodes.comment, nodes.substitution_definition, nodes.colspec)
_THROUGH = (nodes.document, nodes.container, nodes.compound, nodes.tgroup)
_BOXES = {"theorem_node", "exercise_enumerable_node", "exercise_node", "solution_node"}


@dataclass(frozen=True)
class Cell:
    """A code cell of the page: its place among all cells, and the figure that it draws."""

    index: int
    hidden: bool
    figure: nodes.figure | None


@dataclass(frozen=True)
class Page:
    """What the writer has to know about the site.

    Attributes:
        docname: The page.
        titles: The title of each page.
        numbers: Of each figure, formula, theorem and exercise of this page, by identifier.
    """

    docname: str
    titles: Mapping[str, str]
    numbers: Mapping[str, str]


class Writer:
    """Writes one page, and remembers what it cites."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cited: dict[str, str] = {}

    def blocks(self, node: nodes.Node, depth: int = 0) -> Iterator[str | Cell]:
        """Paragraphs, headings, lists and formulas as Markdown, and code cells, in their order."""
        if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            yield _cell(node)
        elif isinstance(node, nodes.section):
            yield from self._children(node, depth + 1)
        elif isinstance(node, _THROUGH) or type(node).__name__ == "proof_node":
            yield from self._children(node, depth)
        elif type(node).__name__ in _BOXES or isinstance(node, nodes.Admonition):
            yield from self._box(node)
        elif isinstance(node, nodes.title):
            yield f"{'#' * depth} {self.inline(node)}"
        elif isinstance(node, nodes.paragraph):
            if text := self.inline(node).strip():  # not what is only on the site
                yield _LIST_LIKE.sub(r"\1\\\2", text)
        elif isinstance(node, nodes.math_block):
            yield self._displayed(node)
        elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            yield self._list(node)
        elif isinstance(node, nodes.definition_list):
            yield from self._definitions(node)
        elif isinstance(node, nodes.literal_block):
            yield f"```\n{node.astext()}\n```"
        elif isinstance(node, nodes.block_quote):
            yield textwrap.indent(self._joined(node), "> ", lambda _: True)
        elif isinstance(node, nodes.table):
            yield self._table(node)
        elif not isinstance(node, _UNSEEN) and not _is_download(node):
            self._unknown(node)

    def inline(self, node: nodes.Node) -> str:
        """The text inside of a paragraph."""
        return "".join(self._span(child) for child in node.children)

    def caption(self, figure: nodes.figure) -> str:
        """What stands below a figure: number, caption, and what there is to see."""
        number = self.page.numbers.get(figure["ids"][0], "") if figure["ids"] else ""
        text = "".join(self.inline(caption) for caption in figure.findall(nodes.caption))
        seen = _LABEL.search("".join(raw.astext() for raw in figure.findall(nodes.raw)))
        described = (
            f"\n\n*What there is to see:* {_escaped(html.unescape(seen[1]))}" if seen else ""
        )
        return f"**Fig. {number}** {text}{described}"

    def _children(self, node: nodes.Node, depth: int = 0) -> Iterator[str | Cell]:
        for child in node.children:
            yield from self.blocks(child, depth)

    def _joined(self, node: nodes.Node) -> str:
        """The blocks of a node in which no code cell can stand."""
        return "\n\n".join(block for block in self._children(node) if isinstance(block, str))

    def _definitions(self, node: nodes.definition_list) -> Iterator[str]:
        for item in node.children:
            term, definition = item.children[0], item.children[-1]
            yield f"**{self.inline(term)}**: {self._joined(definition)}"

    def _box(self, node: nodes.Element) -> Iterator[str | Cell]:
        if isinstance(node, nodes.Admonition) and not isinstance(node, nodes.admonition):
            yield f"**{type(node).__name__.capitalize()}**"  # a note has no title of its own
        for child in node.children:
            if isinstance(child, nodes.title):
                yield f"**{self._box_title(node, child)}**"
            else:
                yield from self.blocks(child)

    def _box_title(self, box: nodes.Element, title: nodes.title) -> str:
        text = " ".join(self.inline(title).split())
        number = self.page.numbers.get(box["ids"][0]) if box["ids"] else None
        if number is None:
            return text
        kind = (box.get("realtype") or box.get("type")).capitalize()
        return f"{kind} {number} {text}".rstrip()

    def _displayed(self, node: nodes.math_block) -> str:
        lines = [line for line in node.astext().splitlines() if line.strip()]
        if r"\\" in node.astext():
            lines = [r"\begin{split}", *lines, r"\end{split}"]  # as Sphinx does
        if node.get("label"):
            lines.append(rf"\tag{{{self.page.numbers[node['ids'][0]]}}}")
        return "\n".join(["$$", *lines, "$$"])

    def _list(self, node: nodes.Element) -> str:
        numbers = count(node.get("start", 1))
        items = []
        for item in node.children:
            mark = "- " if isinstance(node, nodes.bullet_list) else f"{next(numbers)}. "
            items.append(mark + textwrap.indent(self._joined(item), " " * len(mark)).lstrip())
        return "\n".join(items)

    def _table(self, node: nodes.table) -> str:
        rows = [
            [_in_table(self._joined(entry)) for entry in row.findall(nodes.entry)]
            for row in node.findall(nodes.row)
        ]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])

    def _span(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Text):
            return _escaped(node.astext())
        if isinstance(node, nodes.emphasis):
            return f"*{self.inline(node)}*"
        if isinstance(node, nodes.strong):
            return f"**{self.inline(node)}**"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.math):
            return f"${' '.join(node.astext().split())}$"
        if isinstance(node, nodes.reference):
            return self._reference(node)
        if isinstance(node, nodes.inline):
            return "" if ONLY_ON_THE_SITE in node["classes"] else self.inline(node)
        if not isinstance(node, _UNSEEN) and not _is_download(node):
            self._unknown(node)
        return ""

    def _reference(self, node: nodes.reference) -> str:
        """A link to elsewhere stays; of a page of this site, which is not here, the title does."""
        text, address = self.inline(node), node.get("refuri", "")
        if not node.get("internal"):
            return f"[{text}]({address})"
        if any(node.findall(nodes.literal)):  # a name in hwlib
            return text
        if "reftitle" in node:
            self.cited[text] = node["reftitle"]
            return text
        title = self._title(address)
        return text if title.lower() in ("", text.lower()) else f"{text} (*{title}*)"

    def _title(self, address: str) -> str:
        path = address.partition("#")[0].removesuffix(".html")
        docname = posixpath.normpath(posixpath.join(posixpath.dirname(self.page.docname), path))
        return _escaped(self.page.titles.get(docname, "")) if path else ""

    def _unknown(self, node: nodes.Node) -> None:
        logger.warning(
            "a notebook cannot show this %s: %.60s",
            type(node).__name__,
            node.astext(),
            location=node if isinstance(node, nodes.Element) else node.parent,
            type="hwbook",
        )


def _cell(node: nodes.container) -> Cell:
    tags = node["cell_metadata"].get("tags", [])
    hidden = not {"hide-input", "hide-cell", "remove-input"}.isdisjoint(tags)
    return Cell(node["cell_index"], hidden, next(node.findall(nodes.figure), None))


def _in_table(text: str) -> str:
    """Text whose bars do not end a cell."""
    parts = _FORMULA.split(" ".join(text.split()))
    parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
    parts[1::2] = [part.replace(r"\|", r"\Vert ").replace("|", r"\vert ") for part in parts[1::2]]
    return "".join(parts)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _is_download(node: nodes.Node) -> bool:
    """Links to files that lie beside the site's page, not beside the notebook."""
    return isinstance(node, nodes.raw) and " download>" in node.astext()
