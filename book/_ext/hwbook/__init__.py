"""The book's own Sphinx extension: one module per job, each with its own ``setup``."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from hwbook import (
    accessible,
    cards,
    crossrefs,
    execution,
    figures,
    homework,
    ledger,
    light,
    live,
    notebooks,
    offline,
    opening,
    prose,
    search,
    seeds,
    whole,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every job with Sphinx."""
    for job in (
        cards,
        figures,
        live,
        execution,
        homework,
        ledger,
        crossrefs,
        prose,
        opening,
        search,
        seeds,
        notebooks,
        offline,
        accessible,
        light,
        whole,
    ):
        job.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
