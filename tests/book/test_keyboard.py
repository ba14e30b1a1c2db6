"""Whatever a pointer can do on a page, the keyboard can: reach it, see where it is, and use it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.book.browser import Viewer, built_pages, site_folder

PAGES = [page for page in built_pages(site_folder()) if page.startswith("book/")] or ["no page"]
WIDTHS = (1280, 360)
START = "book/lad.html"

# Each stop is marked as met: a circle that leaves out the rest then shows.
STOPS = "a[href], button, summary, input, [tabindex='0']"
UNMET = f"""() => [...document.querySelectorAll("{STOPS}")]
  .filter(stop => stop.tabIndex >= 0 && !stop.disabled && !stop.closest("[inert]"))
  .filter(stop => stop.checkVisibility({{visibilityProperty: true}}))
  .filter(stop => !stop.dataset.met).map(stop => stop.outerHTML.slice(0, 160))"""
MEET = """async () => {
  await Promise.all(document.getAnimations().map(motion => motion.finished));
  const here = document.activeElement;
  if (here === document.body || here.dataset.met) return null;
  here.dataset.met = "yes";
  const box = here.getBoundingClientRect();
  const style = getComputedStyle(here);
  const ringed = style => parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
  const around = getComputedStyle(here.parentElement, "::before");  // of a solution's whole title
  const region = here.closest("#pst-skip-link, .bd-sidebar-primary, .bd-header-article, " +
    ".bd-article, .prev-next-footer, .bd-sidebar-secondary, footer")?.className ?? "";
  return {what: here.outerHTML.slice(0, 160), region,
          seen: ringed(style) || style.boxShadow !== "none" || ringed(around),
          top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left, right: box.right,
          visible: box.bottom > 0 && box.top < innerHeight};
}"""


@pytest.fixture(scope="module", params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    viewer = Viewer(browser, "light", request.param)
    yield viewer.page
    viewer.page.context.close()


def opened(page: Page, address: str) -> Page:
    page.goto(address, wait_until="load")
    page.evaluate("() => window.MathJax?.startup?.promise")
    return page


def tour(page: Page, most: int = 2000) -> list[dict[str, Any]]:
    """All stops of the Tab key, in order, until it begins anew."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        met = page.evaluate(MEET)
        if met is None:
            return stops
        stops.append(met)
    raise AssertionError(f"more than {most} stops")


@pytest.mark.site
@pytest.mark.parametrize("name", ["book/index.html", "book/lad-fast.html", "book/homework.html"])
def test_tab_leads_everywhere_in_order_and_is_seen(name: str, page: Page, origin: str) -> None:
    opened(page, origin + name)
    stops = tour(page)
    assert page.evaluate(UNMET) == []
    assert [stop["what"] for stop in stops if not (stop["seen"] and stop["visible"])] == []
    article = [stop for stop in stops if stop["region"] == "bd-article"]
    assert [
        later["what"]
        for earlier, later in pairwise(article)
        if later["bottom"] < earlier["top"] and later["left"] < earlier["right"]
    ] == []


@pytest.mark.site
def test_the_first_stop_skips_to_the_text(page: Page, origin: str) -> None:
    opened(page, origin + START)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


@pytest.mark.site
def test_a_key_opens_the_search_and_escape_closes_it(page: Page, origin: str) -> None:
    opened(page, origin + START)
    page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("median")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=median")


@pytest.mark.site
def test_enter_changes_the_colors(page: Page, origin: str) -> None:
    opened(page, origin + START)
    page.focus(".theme-switch-button")
    mode = "document.documentElement.dataset.mode"
    modes = [page.evaluate(mode)]
    for _ in range(2):
        page.keyboard.press("Enter")
        modes.append(page.evaluate(mode))
    assert sorted(modes) == ["auto", "dark", "light"]
    page.keyboard.press("Space")
    assert page.evaluate(mode) == modes[0]


@pytest.mark.site
@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_a_sidebar_opens_and_gives_the_focus_back(side: str, browser: Browser, origin: str) -> None:
    viewer = Viewer(browser, "light", min(WIDTHS))
    page = opened(viewer.page, origin + START)
    button, sidebar = page.locator(f".{side}-toggle"), page.locator(f"#pst-{side}-sidebar-modal")
    button.focus()
    page.keyboard.press("Enter")
    expect(sidebar).to_be_visible()
    assert page.evaluate("!!document.activeElement.closest('dialog')")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    expect(button).to_be_focused()
    viewer.page.context.close()


@pytest.mark.site
def test_enter_opens_hidden_code_and_solutions(page: Page, origin: str) -> None:
    opened(page, f"{origin}book/softmax.html")
    details = page.locator("details.hide").first
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(details.locator("pre")).to_be_visible()
    page.keyboard.press("Space")
    expect(details.locator("pre")).to_be_hidden()
    button = page.locator("button.toggle-button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "false")


@pytest.mark.site
def test_enter_copies_code(browser: Browser, origin: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = opened(context.new_page(), origin + START)
    page.locator(".copybtn").first.focus()
    page.keyboard.press("Enter")
    code = page.locator("div.highlight pre").first.inner_text()
    page.wait_for_function(
        "async code => (await navigator.clipboard.readText()).trim() === code", arg=code.strip()
    )
    context.close()


@pytest.mark.site
@pytest.mark.parametrize("name", PAGES)
def test_what_scrolls_takes_the_focus_and_arrows(name: str, browser: Browser, origin: str) -> None:
    viewer = Viewer(browser, "light", min(WIDTHS))
    page = opened(viewer.page, origin + name)
    unreachable = page.evaluate("""() => [...document.querySelectorAll(".bd-article *")]
      .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
      .filter(box => ["auto", "scroll"].includes(getComputedStyle(box).overflowX))
      .filter(box => box.tabIndex < 0 && !box.querySelector("[tabindex='0']"))
      .filter(box => !box.matches("span.math"))
      .map(box => box.outerHTML.slice(0, 160))""")
    assert unreachable == []
    boxes = page.locator(".bd-article pre[tabindex='0']:visible")
    if boxes.count():
        boxes.first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
    viewer.page.context.close()
