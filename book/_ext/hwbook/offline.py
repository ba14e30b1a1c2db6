"""Pages that ask for nothing beyond themselves.

Jupyter Book always loads thebe, which names a script on another host and throws on every page.
Sphinx loads MathJax only where it saw a formula in the source, not where a cell printed one.
Its search quotes each page that it finds, which a browser forbids where nothing serves the pages.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BEFORE_MATHJAX = 400
AFTER_EVERY_ASSET = 950
AFTER_OPTIONS = 900
_QUOTE_IF_SERVED = """\
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"""


def setup(app: Sphinx) -> None:
    """Drop thebe, see that mathematics in outputs is typeset, and let the search work anywhere."""
    app.connect("doctree-resolved", _drop_thebe_settings, priority=AFTER_EVERY_ASSET)
    app.connect("html-page-context", _ask_for_mathjax, priority=BEFORE_MATHJAX)
    app.connect("html-page-context", _search_anywhere, priority=BEFORE_MATHJAX)
    app.connect("html-page-context", _drop_thebe_assets, priority=AFTER_EVERY_ASSET)


def is_thebe(asset: Any) -> bool:
    """Whether a script or style belongs to thebe: by its file name or by its inline text."""
    name = getattr(asset, "filename", asset) or ""
    body = getattr(asset, "attributes", {}).get("body") or ""
    return "thebe" in f"{name} {body}".lower()


def _drop_thebe_settings(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for node in list(doctree.findall(nodes.raw)):
        text = node.astext().strip()
        if text.startswith(('<script type="text/x-thebe-config">', "<script>kernelName =")):
            node.parent.remove(node)


def _ask_for_mathjax(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if "tex2jax_process" in context.get("body", ""):
        app.env.get_domain("math").data["has_equations"][pagename] = True


def _search_anywhere(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if pagename == "search":
        app.add_js_file(None, body=_QUOTE_IF_SERVED, priority=AFTER_OPTIONS)


def _drop_thebe_assets(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context.get(kind, []) if not is_thebe(asset)]
