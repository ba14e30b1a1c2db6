"""Output in a notebook, and how to tell whether there is one."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def show(markup: str, text: str, more: Mapping[str, str] | None = None) -> bool:
    """Display HTML with its plain-text alternative; False where there is no notebook to do so.

    ``more`` holds further forms of the same output, each by its MIME type.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        return False
    from IPython.display import display

    display({"text/html": markup, "text/plain": text, **(more or {})}, raw=True)
    return True
