"""Rules for the sources of the chapters that need no build."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CELL = re.compile(r"^```\{code-cell\} python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
LINES, WIDTH, HIDDEN_WIDTH = 15, 86, 100
CLAIMS = 5


def cells(text: str) -> list[tuple[str, str]]:
    """Options and code of each cell."""
    found = []
    for match in CELL.finditer(text):
        options = OPTIONS.match(match[1])
        split = options.end() if options else 0
        found.append((match[1][:split], match[1][split:]))
    return found


CELLS = [
    pytest.param(options, code, id=f"{page.stem}-{number}")
    for page in sorted(BOOK.glob("*.md"))
    for number, (options, code) in enumerate(cells(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize(("options", "code"), CELLS)
def test_a_cell_is_plain_python_and_fits(options: str, code: str) -> None:
    ast.parse(code)  # a magic or a shell escape is no Python
    assert len(re.findall(r"^ *claim\(", code, re.MULTILINE)) <= CLAIMS
    hidden = "input" in options
    assert max(map(len, code.splitlines())) <= (HIDDEN_WIDTH if hidden else WIDTH)
    if not hidden:
        assert len(code.strip().splitlines()) <= LINES


@pytest.mark.parametrize(("options", "code"), CELLS)
def test_a_figure_has_a_caption_and_is_alone_in_its_cell(options: str, code: str) -> None:
    if re.search(r"figures\.(show|live)\(", code):
        assert "caption:" in options
        assert "hide-input" in options or "card" in options
        assert "claim(" not in code
        assert "record(" not in code


def test_cells_are_found_with_their_options() -> None:
    text = "```{code-cell} python\n:tags: [a]\nx = 1\n```\n\n```{code-cell} python\ny\n```\n"
    assert cells(text) == [(":tags: [a]\n", "x = 1\n"), ("", "y\n")]
