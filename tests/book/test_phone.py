"""The narrowest phone: no page scrolls sideways, code and figures are whole, fingers hit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.book.browser import THEMES, Viewer, built_pages, site_folder

PAGES = built_pages(site_folder()) or ["no page"]
NARROWEST = 360
FINGER = 24  # pixels: WCAG 2.2, success criterion 2.5.8, which leaves out links in a text

SMALL = """finger => [...document.querySelectorAll("a[href], button, summary, input, label")]
  .filter(target => target.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter(target => getComputedStyle(target).display !== "inline")
  .filter(target => {
    const box = target.getBoundingClientRect();
    return box.width > 1 && Math.min(box.width, box.height) < finger;
  }).map(target => target.outerHTML.slice(0, 160))"""

CUT_CODE = """() => [...document.querySelectorAll(".bd-article pre")]
  .filter(code => code.checkVisibility())
  .filter(code => {
    const style = getComputedStyle(code);
    const wraps = style.whiteSpace !== "pre" || style.overflowX !== "auto";
    const box = code.getBoundingClientRect();
    const reachable = code.scrollWidth <= code.clientWidth + 1 || code.tabIndex === 0;
    return wraps || !reachable || box.right > innerWidth;
  }).map(code => code.innerText.slice(0, 160))"""

CUT_FIGURES = """() => [...document.querySelectorAll(".hw-figure svg")]
  .filter(figure => figure.checkVisibility())
  .filter(figure => {
    const {left, right} = figure.getBoundingClientRect();
    const cuts = box => {
      const {left: from, right: to} = box.getBoundingClientRect();
      return getComputedStyle(box).overflowX !== "visible" && (left < from - 1 || right > to + 1);
    };
    const around = [];
    for (let box = figure.parentElement; box; box = box.parentElement) around.push(box);
    return around.some(cuts);
  }).map(figure => figure.getAttribute("aria-label").slice(0, 80))"""

# A formula within a sentence does not break, and nothing around it scrolls.
CUT_FORMULAS = """() => [...document.querySelectorAll(".bd-article p mjx-container:not([display])")]
  .filter(formula => formula.checkVisibility() && !formula.closest("table"))
  .filter(formula => formula.getBoundingClientRect().right > innerWidth)
  .map(formula => formula.closest("p").innerText.slice(0, 80))"""

# A column of a table may be narrow; a paragraph or a heading that is would stand letter by letter.
SQUEEZED = """least => [...document.querySelectorAll(".bd-article :is(h1, h2, h3, p)")]
  .filter(text => !text.closest("table, .hw-sr") && text.checkVisibility() && text.innerText)
  .filter(text => text.getBoundingClientRect().width < least)
  .map(text => text.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="module", params=THEMES)
def phone(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Viewer]:
    viewer = Viewer(browser, request.param, NARROWEST)
    yield viewer
    viewer.page.context.close()


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_the_narrowest_phone(page: str, phone: Viewer, origin: str) -> None:
    phone.open(origin + page)
    assert phone.too_wide() == []
    assert phone.page.evaluate(SMALL, FINGER) == []
    assert phone.page.evaluate(CUT_CODE) == []
    assert phone.page.evaluate(CUT_FIGURES) == []
    assert phone.page.evaluate(CUT_FORMULAS) == []
    assert phone.page.evaluate(SQUEEZED, NARROWEST / 3) == []


@pytest.mark.site
@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_the_links_of_a_sidebar_fit_a_finger(side: str, phone: Viewer, origin: str) -> None:
    phone.open(f"{origin}book/lad.html")
    phone.page.click(f".{side}-toggle")
    phone.page.wait_for_selector(f"#pst-{side}-sidebar-modal[open]")
    assert phone.page.evaluate(SMALL, FINGER) == []
