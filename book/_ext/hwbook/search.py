"""The site's search: chapters before the reference, and from a folder without excerpts.

Below each result the search shows a piece of the page, which it reads; a browser lets no page that
was opened from a folder read another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

SCORER = Path(__file__).with_name("scorer.js")
EXCERPTS = "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== 'file:';"


def setup(app: Sphinx) -> None:
    """Give the search its order, and its page the switch for excerpts."""
    app.connect("config-inited", _set_scorer)
    app.connect("html-page-context", _switch_excerpts)


def _set_scorer(app: Sphinx, config: Config) -> None:
    config.html_search_scorer = str(SCORER)  # Sphinx takes a relative path from where it is called


def _switch_excerpts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    if pagename == "search":
        app.add_js_file(None, body=EXCERPTS)
