"""The book as one PDF: its document, its links and outline, and what paper needs of the pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hwbook import pdf
from playwright.sync_api import Browser, Page
from tests.book.markup import elsewhere, identifiers, links, repeated_identifiers

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = pdf.contents(ROOT / "_toc.yml")
WIDTH, HEIGHT = 612, 964  # pixels of CSS between the margins of A4
WHOLE = "pre, figure, tr, div.math, .hw-claim, .hw-published, .cell_input"
CLIPPED = """width => {
  const page = [...document.querySelectorAll(".bd-article *")]
    .filter(box => box.checkVisibility() && !box.closest("svg *, mjx-assistive-mml, .hw-sr"));
  const wide = page.filter(box => box.getBoundingClientRect().right > width + 1);
  const cut = page.filter(box => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0 &&
    getComputedStyle(box).overflowX !== "visible");
  return [...wide, ...cut].map(box => box.outerHTML.slice(0, 160));
}"""
TORN = """([whole, height]) => [...document.querySelectorAll(whole)]
  .filter(box => box.checkVisibility())
  .filter(box => getComputedStyle(box).breakInside !== "avoid" || box.offsetHeight > height)
  .map(box => `${box.offsetHeight}: ${box.outerHTML.slice(0, 160)}`)"""
LEFT_BEHIND = """() => [...document.querySelectorAll(".bd-article :is(h1, h2, h3, h4)")]
  .filter(heading => getComputedStyle(heading).breakAfter !== "avoid")
  .map(heading => heading.textContent)"""
CLOSED = """() => [...document.querySelectorAll(".solution > *, .sd-card-body")]
  .filter(box => !box.checkVisibility()).map(box => box.outerHTML.slice(0, 160))"""


def outline(printed: bytes) -> list[str]:
    """The titles of a PDF's outline."""
    entries = re.findall(rb"<</Title (<[^>]*>|\((?:\\.|[^\\)])*\))\n/Dest", printed, re.DOTALL)
    return [text_of(entry) for entry in entries]


def text_of(literal: bytes) -> str:
    """The text of a string as PDF writes it."""
    escapes = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

    def meant(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8)]) if code.isdigit() else escapes.get(code, code)

    inner = literal[1:-1]
    if literal.startswith(b"<"):
        plain = bytes.fromhex(inner.decode())
    else:
        plain = re.sub(rb"\\([0-7]{1,3}|.)", meant, inner, flags=re.DOTALL)
    wide = plain.startswith(b"\xfe\xff")
    return plain[2:].decode("utf-16-be") if wide else plain.decode("latin-1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pdf")


@pytest.fixture(scope="module")
def document(site: Path, folder: Path) -> Path:
    path = folder / "book.html"
    path.write_text(pdf.assemble(site, CHAPTERS, folder), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(browser: Browser, document: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.emulate_media(media="print")
    page.goto(document.as_uri())
    page.evaluate(pdf.SETTLED)
    yield page
    page.close()


@pytest.fixture(scope="module")
def printed(opened: Page) -> bytes:
    return pdf.printed(opened, [chapter.name for chapter in CHAPTERS])


@pytest.mark.site
def test_the_document_holds_every_chapter_once(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert {chapter.name for chapter in CHAPTERS} <= identifiers(text)
    assert repeated_identifiers(text) == []


@pytest.mark.site
def test_every_link_of_the_document_stays_in_it_or_leaves_the_site(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    inner = [link for link in links(text) if not elsewhere([link])]
    places = identifiers(text)
    assert [link for link in inner if link[0] != "#" or link[1:] not in places] == []
    assert len(inner) > 1000


@pytest.mark.site
def test_nothing_is_clipped(opened: Page) -> None:
    assert opened.evaluate(CLIPPED, WIDTH) == []


@pytest.mark.site
def test_what_belongs_together_fits_on_a_page_and_stays_whole(opened: Page) -> None:
    assert opened.evaluate(TORN, [WHOLE, HEIGHT]) == []
    assert opened.evaluate(LEFT_BEHIND) == []


@pytest.mark.site
def test_solutions_are_open_and_formulas_typeset(opened: Page) -> None:
    assert opened.evaluate(CLOSED) == []
    assert opened.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert opened.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.site
def test_every_chapter_is_in_the_outline_and_has_a_page(opened: Page, printed: bytes) -> None:
    titles = opened.locator(".chapter h1").all_text_contents()
    assert len(titles) == len(CHAPTERS)
    assert {title.rstrip("#").strip() for title in titles} <= set(outline(printed))
    numbers = opened.locator(".entry span:last-child").all_text_contents()
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})


@pytest.mark.site
def test_every_link_of_the_pdf_leads_somewhere(printed: bytes) -> None:
    wanted = Counter(re.findall(rb"/Dest /(\S+)", printed))
    places = set(re.findall(rb"/(\S+) \[\d+ 0 R /XYZ", printed))
    assert set(wanted) <= places
    assert wanted.total() > 1000


@pytest.mark.site
def test_a_page_printed_from_the_dark_is_light_and_open(browser: Browser, origin: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{origin}book/softmax.html")
    shown = "[document.documentElement.dataset.theme, !!document.querySelector('.toggle-hidden')]"
    assert page.evaluate(shown) == ["dark", True]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(shown) == ["light", False]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(shown) == ["dark", True]
    page.close()


def test_the_same_document_prints_to_the_same_bytes(browser: Browser, tmp_path: Path) -> None:
    document = tmp_path / "one.html"
    document.write_text(
        "<!doctype html><html lang=en><title>T</title><a href='#a'>A</a><span id=page-of-a></span>"
        "<script>window.MathJax = {startup: {promise: Promise.resolve()}}</script>"
        "<h1 id=a style='break-before: page'>A</h1>"
    )
    once, again = (fresh_print(browser, document) for _ in range(2))
    assert once == again
    assert b"D:2000" in once
    assert pdf.page_numbers(once, ["a"]) == {"a": 2}


def fresh_print(browser: Browser, document: Path) -> bytes:
    page = browser.new_page()
    page.goto(document.as_uri())
    try:
        return pdf.printed(page, ["a"])
    finally:
        page.close()


def test_the_strings_of_a_pdf_are_read() -> None:
    assert text_of(rb"(a \(b\))") == "a (b)"
    assert text_of(b"(\xfe\xff\x21\x13)") == text_of(b"<FEFF2113>") == "ℓ"
