"""The order of what the search finds: chapters before the reference."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

SCORER = Path(__file__).with_name("scorer.js")


def setup(app: Sphinx) -> None:
    """Give the search its order."""
    app.connect("config-inited", _set_scorer)


def _set_scorer(app: Sphinx, config: Config) -> None:
    config.html_search_scorer = str(SCORER)  # Sphinx takes a relative path from where it is called
