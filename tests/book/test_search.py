"""The search finds words and the names of the interface, from a server and from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.book.browser import Viewer

FOUND = """() => /found|did not match/.test(document.querySelector(".search-summary")?.innerText)"""
RESULTS = """() => [...document.querySelectorAll("ul.search > li > a:first-of-type")]
  .map(link => link.getAttribute("href"))"""
CHAPTERS = {"median": "book/lad.html", "Muon": "book/fashion-mnist-recipes.html"}
REFERENCE = ("api", "benchmarks", "bibliography", "errata", "ledger", "notation")
NAMES = {
    "lad.fit": "hwlib.lad.fit",
    "hwlib.lad.fit": "hwlib.lad.fit",
    "LADRegressor": "hwlib.lad.LADRegressor",
    "softmax.vjp": "hwlib.softmax.vjp",
}


@pytest.fixture(params=["served", "folder"])
def start(request: pytest.FixtureRequest, origin: str, site: Path) -> str:
    return origin if request.param == "served" else f"{site.as_uri()}/"


def results(browser: Browser, start: str, query: str) -> list[str]:
    """The addresses that the search page lists, best first; it complains of nothing."""
    viewer = Viewer(browser, "light", 1280)
    seen = viewer.open(f"{start}search.html?q={query}")
    viewer.page.wait_for_function(FOUND)
    found: list[str] = viewer.page.evaluate(RESULTS)
    viewer.page.wait_for_load_state("networkidle")
    assert seen.complaints == []
    viewer.page.context.close()
    return found


@pytest.mark.site
@pytest.mark.parametrize(("word", "chapter"), CHAPTERS.items())
def test_a_word_leads_to_its_chapters_before_the_reference(
    word: str, chapter: str, browser: Browser, start: str
) -> None:
    found = results(browser, start, word)
    assert chapter in found
    references = [page for page in found if page.removesuffix(".html").endswith(REFERENCE)]
    assert found.index(chapter) < min(map(found.index, references), default=len(found))


@pytest.mark.site
def test_a_heading_counts_more_than_a_text(browser: Browser, start: str) -> None:
    assert results(browser, start, "Kronecker")[:2] == ["book/errata.html", "book/softmax.html"]


@pytest.mark.site
@pytest.mark.parametrize(("query", "name"), NAMES.items())
def test_a_name_leads_to_its_entry(query: str, name: str, browser: Browser, start: str) -> None:
    assert results(browser, start, query)[0] == f"book/api.html#{name}"


@pytest.mark.site
def test_what_is_nowhere_is_not_found(browser: Browser, start: str) -> None:
    assert results(browser, start, "zzyzx") == []
