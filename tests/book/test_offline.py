"""The built site's text: it names no other host to load from, and each hook had its effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.book.browser import built_pages, site_folder
from tests.book.markup import elsewhere, page_loads, repeated_identifiers, style_loads

import hwlib

BUILT = site_folder()
PAGES = built_pages(BUILT) or ["no page"]
THEBE = ("x-thebe-config", "sphinx-thebe", "THEBE_JS_URL", "kernelName =")


@pytest.fixture(params=PAGES)
def text(request: pytest.FixtureRequest, site: Path) -> str:
    return (site / request.param).read_text(encoding="utf-8")


@pytest.mark.site
def test_a_page_loads_from_no_other_host(text: str) -> None:
    assert elsewhere(page_loads(text)) == []


@pytest.mark.site
def test_a_page_is_free_of_thebe(text: str) -> None:
    assert [trace for trace in THEBE if trace in text] == []


@pytest.mark.site
def test_a_page_keeps_the_repairs(text: str) -> None:
    broken = ("<summary aria-label=", 'role="doc-biblioentry"', "<th></th>")
    assert [trace for trace in broken if trace in text] == []


@pytest.mark.site
def test_an_identifier_is_given_once(text: str) -> None:
    assert repeated_identifiers(text) == []


@pytest.mark.site
def test_a_page_with_mathematics_loads_mathjax(text: str) -> None:
    mathematics = 'class="math' in text or r"\(" in text
    assert not mathematics or any("mathjax" in address for address in page_loads(text))


@pytest.mark.site
def test_the_bibliography_is_a_list(site: Path) -> None:
    text = (site / "book" / "bibliography.html").read_text(encoding="utf-8")
    assert 'role="listitem"' in text


@pytest.mark.site
def test_a_style_sheet_loads_from_no_other_host(site: Path) -> None:
    found = {
        sheet.name: elsewhere(style_loads(sheet.read_text(encoding="utf-8")))
        for sheet in site.rglob("*.css")
    }
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://example.org/x.js"></script>',
        '<script async src="//example.org/x.js"></script>',
        '<link rel="stylesheet" href="http://example.org/x.css">',
        '<link rel="preconnect" href="https://example.org">',
        '<img alt="" src="HTTPS://example.org/x.png">',
        '<iframe src="https://example.org"></iframe>',
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>body { background: url(https://example.org/x.png) }</style>",
        "<p style=\"background: url('//example.org/x.png')\"></p>",
    ],
)
def test_a_load_from_another_host_is_found(markup: str) -> None:
    assert elsewhere(page_loads(markup)) != []


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="https://example.org">a link to follow</a>',
        '<link rel="next" href="https://example.org">',
        '<script src="_static/x.js"></script>',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        "<style>p { color: red }</style><p>url(https://example.org)</p>",
    ],
)
def test_what_is_not_loaded_is_not_found(markup: str) -> None:
    assert elsewhere(page_loads(markup)) == []


def test_a_repeated_identifier_is_found() -> None:
    assert repeated_identifiers('<p id="a"></p><p id="a"></p><p id="b"></p>') == ["a"]


@pytest.mark.site
@pytest.mark.parametrize("module", hwlib.__all__)
def test_the_api_page_has_every_public_name(module: str, site: Path) -> None:
    text = (site / "book" / "api.html").read_text(encoding="utf-8")
    names = getattr(hwlib, module).__all__
    assert [name for name in names if f'id="hwlib.{module}.{name}"' not in text] == []
