"""The page of benchmarks: each number that is asked for stands in a table, in its own row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "benchmarks.md").read_text(encoding="utf-8")
ASKED = re.compile(r'^    "([a-z-]+)": Asked\(', re.MULTILINE)
ROW = re.compile(
    r"^\| .+ \| \{recorded\}`bench-([a-z-]+)-asked` \| \{recorded\}`bench-([a-z-]+)-measured` "
    r"\| \{recorded\}`bench-([a-z-]+)-verdict` \|$",
    re.MULTILINE,
)
RUN = re.compile(r"^`(\w+)`\n: ", re.MULTILINE)


def test_each_number_has_one_row_and_each_row_one_number() -> None:
    rows = ROW.findall(PAGE)
    assert [row for row in rows if len(set(row)) > 1] == []
    assert [name for name, _, _ in rows] == ASKED.findall(PAGE)


def test_each_file_of_results_is_described() -> None:
    files = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert files - set(RUN.findall(PAGE)) == set()


@pytest.mark.site
def test_a_row_says_in_a_word_what_came_of_it(site: Path) -> None:
    page = (site / "book" / "benchmarks.html").read_text(encoding="utf-8")
    text = re.sub("<[^>]*>", "", page)
    said = re.findall(r"^(reached|not reached|no result)$", text, re.MULTILINE)
    assert len(said) == len(ASKED.findall(PAGE))
