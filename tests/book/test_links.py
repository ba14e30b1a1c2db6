"""Every link of the site leads somewhere, and the interface and the chapters to each other."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.book.browser import built_pages, site_folder
from tests.book.markup import identifiers, links

import hwlib

PAGES = built_pages(site_folder()) or ["no page"]
API = "book/api.html"
NAMES = [
    f"hwlib.{module}.{name}"
    for module in hwlib.__all__
    for name in importlib.import_module(f"hwlib.{module}").__all__
]


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def broken(site: Path, page: str) -> list[str]:
    """The links of a page that lead to no file of the site, or to no place in a page."""
    return [link for link in links(read(site / page)) if not leads_somewhere(site, page, link)]


def leads_somewhere(site: Path, page: str, link: str) -> bool:
    address = urlsplit(link)
    if address.scheme or address.netloc:
        return True
    target = (site / page).resolve()
    if address.path:
        target = (target.parent / unquote(address.path)).resolve()
    if not (target.is_file() and target.is_relative_to(site)):
        return False
    return not address.fragment or unquote(address.fragment) in identifiers(read(target))


def users(site: Path, name: str) -> set[str]:
    """The pages that link to an entry of the interface."""
    return {
        page
        for page in PAGES
        if page.startswith("book/") and page != API
        if any(link.endswith(f"api.html#{name}") for link in links(read(site / page)))
    }


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str, site: Path) -> None:
    assert broken(site, page) == []


@pytest.mark.site
@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_and_its_chapters_link_to_each_other(name: str, site: Path) -> None:
    pages = users(site, name)
    assert pages, f"no chapter speaks of {name}"
    entry = read(site / API).partition(f'id="{name}"')[2]
    line = entry.partition('<p class="hw-used">')[2].partition("</p>")[0]
    assert {f"book/{link}" for link in links(line)} == pages


@pytest.mark.parametrize(
    "link", ["gone.html", "#gone", "page.html#gone", "../outside.html", "gone.zip"]
)
def test_a_broken_link_is_found(link: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "outside.html").write_text("")
    (site / "page.html").write_text(f'<p id="here"><a href="{link}">x</a><a href="#here">y</a></p>')
    assert broken(site, "page.html") == [link]
