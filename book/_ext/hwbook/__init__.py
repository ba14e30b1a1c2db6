"""The book's own Sphinx extension: one module per job, each with its own ``setup``."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from hwbook import (
    accessible,
    crossrefs,
    execution,
    homework,
    ledger,
    light,
    offline,
    opening,
    prose,
    search,
)

JOBS = (execution, homework, ledger, crossrefs, prose, opening, search, offline, accessible, light)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every job with Sphinx."""
    for job in JOBS:
        job.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
