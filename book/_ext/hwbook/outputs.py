"""Forms of a cell's output that are no part of the page, kept until a pass takes them out."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.core import render


def keep(mime: str, name: str) -> None:
    """Make myst-nb keep a form where it would warn that it does not know it.

    It stays in the page as a raw node whose format has this name.
    """

    class Kept:
        mime_priority_overrides = ()
        form = mime

        @staticmethod
        def handle_mime(*given: Any) -> list[nodes.Element] | None:
            _, data, _ = given  # renderer, output, whether it stands in a line of text
            if data.mime_type != mime:
                return None
            return [nodes.raw("", data.string, format=name)]

    known = render.load_mime_renders()
    if mime not in [getattr(one, "form", None) for one in known]:
        render.load_mime_renders = lambda: [*known, Kept]


def kept(node: nodes.Element, name: str) -> list[nodes.raw]:
    """What was kept under this name below a node."""
    return [raw for raw in node.findall(nodes.raw) if raw.get("format") == name]


def drop(doctree: nodes.document, name: str) -> None:
    """Remove it from the page, so that it is not written."""
    for raw in kept(doctree, name):
        raw.parent.parent.remove(raw.parent)
