"""Output in a notebook, and how to tell whether there is one."""

from __future__ import annotations

import sys


def show(markup: str, text: str) -> bool:
    """Display HTML with its plain-text alternative; False where there is no notebook to do so."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        return False
    from IPython.display import display

    display({"text/html": markup, "text/plain": text}, raw=True)
    return True
