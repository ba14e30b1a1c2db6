"""What the hosts' HTML lacks for a reader with a screen reader or a keyboard, and the book's look.

The remedies that need more than a change of text are in ``_static/focus.js`` (boxes that scroll
take the focus, sidebars give it back), ``_static/theme.css`` (contrast) and ``_templates`` (names
of buttons).
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

AFTER_THEME = 900

_REPAIRS = {
    # The label hides the text that a sighted reader sees, such as "Show code cell source".
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # An entry of a list is a list item; the role doc-biblioentry is deprecated.
    ' role="doc-biblioentry"': ' role="listitem"',
    # pandas leaves the corner of its tables as a heading without text.
    "<th></th>": "<td></td>",
    # Every proof, exercise and solution of a page has the same identifiers.
    '<div class="proof admonition" id="proof">': '<div class="proof admonition">',
    ' id="proof-content"': "",
    ' id="exercise-content"': "",
    ' id="solution-content"': "",
}


def setup(app: Sphinx) -> None:
    """Repair each page's body, and load the book's style and scripts."""
    app.add_css_file("theme.css", priority=AFTER_THEME)
    app.add_js_file("focus.js", loading_method="defer")
    app.add_js_file("print.js", loading_method="defer")
    app.connect("html-page-context", _repair)


def repaired(body: str) -> str:
    """The HTML of a page's body with the hosts' mistakes mended."""
    for wrong, right in _REPAIRS.items():
        body = body.replace(wrong, right)
    return body


def _repair(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if "body" in context:
        context["body"] = repaired(context["body"])
