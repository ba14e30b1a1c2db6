"""What a page weighs, and what became of the styles that the book does not use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hwbook.light import subset
from tests.book.browser import built_pages, site_folder
from tests.book.markup import page_loads, style_loads

LIMIT = 1_000_000  # bytes before MathJax and fonts
NOT_COUNTED = ("mathjax", ".woff2")
SHEET = """
@font-face { font-family: "Font Awesome 6 Free"; src: url(icons.woff2) }
@font-face { font-family: Own; src: url(own.woff2) }
:root { --ink: #000 }
p, .used, .unused a:hover { color: red }
.used .unused { color: blue }
.used:not(.unused), .used:is(.unused, .other) { color: green }
.bs-tooltip-auto[data-popper-placement^=top] { margin: 0 }
@media (min-width: 10px) { .unused { color: red } .used { color: red } }
@media print { .unused { color: red } }
"""


def weight(site: Path, page: str) -> dict[str, int]:
    """The size of a page and of each file that it loads, MathJax and fonts left out."""
    found = {(site / page).resolve()}
    waiting = list(found)
    while waiting:
        path = waiting.pop()
        text = path.read_text(encoding="utf-8")
        loads = style_loads(text) if path.suffix == ".css" else page_loads(text)
        for address in loads:
            file = (path.parent / address.partition("?")[0]).resolve()
            if not address.startswith("data:") and file.is_file() and file not in found:
                found.add(file)
                if file.suffix == ".css":
                    waiting.append(file)
    return {
        path.name: path.stat().st_size
        for path in found
        if not any(part in path.as_posix() for part in NOT_COUNTED)
    }


@pytest.mark.site
@pytest.mark.parametrize("page", built_pages(site_folder()) or ["no page"])
def test_a_page_is_light(page: str, site: Path) -> None:
    sizes = weight(site, page)
    assert sum(sizes.values()) <= LIMIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]


@pytest.mark.site
def test_a_page_weighs_what_it_loads(site: Path) -> None:
    sizes = weight(site, "book/index.html")
    assert {"index.html", "basic.css", "pydata-sphinx-theme.css", "bootstrap.js"} <= sizes.keys()
    assert sizes["bootstrap.js"] == (site / "_static/scripts/bootstrap.js").stat().st_size


@pytest.mark.site
def test_unused_files_of_the_theme_are_not_in_the_site(site: Path) -> None:
    static = site / "_static"
    dropped = ("*fontawesome*", "*.map", "*thebe*", "*.woff2", "*.po")
    assert [path.name for pattern in dropped for path in static.rglob(pattern)] == []
    assert (static / "scripts" / "bootstrap.js.LICENSE.txt").is_file()


def test_a_rule_stays_if_its_classes_occur() -> None:
    kept = subset(SHEET, {"used"})
    assert "p,.used{color: red}" in kept
    assert ".used:not(.unused),.used:is(.unused, .other){color: green}" in kept
    assert "--ink" in kept
    assert "family: Own" in kept
    assert ".bs-tooltip-auto" in kept
    assert "@media (min-width: 10px) {\n.used{color: red}\n}" in kept


def test_a_rule_goes_if_a_class_does_not_occur() -> None:
    kept = subset(SHEET, {"used"})
    for gone in ("a:hover", "blue", "print", "Font Awesome"):
        assert gone not in kept
