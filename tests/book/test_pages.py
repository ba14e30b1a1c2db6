"""Every page of the built site in a browser: light and dark, on a laptop and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.book.browser import (
    THEMES,
    WIDTHS,
    Viewer,
    built_pages,
    served,
    site_folder,
)

BUILT = site_folder()
PAGES = built_pages(BUILT) or ["no page"]
VIEWS = [(page, theme, width) for theme in THEMES for width in WIDTHS for page in PAGES]
WHOLE = """<!doctype html><html lang="en"><head><title>T</title><link rel="icon" href="data:,">
</head><body><main><h1>Title</h1>{}</main></body></html>"""

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Findings:
    """All that is wrong with a page in one view; each list should be empty."""

    outside: list[str]
    complaints: list[str]
    mathematics: list[str]
    violations: list[str]
    too_wide: list[str]
    undescribed: list[str]


def examine(viewer: Viewer, address: str, origin: str) -> Findings:
    seen = viewer.open(address)
    return Findings(
        outside=seen.outside(origin),
        complaints=seen.complaints,
        mathematics=viewer.broken_mathematics(),
        violations=viewer.violations(),
        too_wide=viewer.too_wide(),
        undescribed=viewer.undescribed(),
    )


@pytest.fixture(scope="module")
def viewers(browser: Browser) -> dict[tuple[str, int], Viewer]:
    return {(theme, width): Viewer(browser, theme, width) for theme in THEMES for width in WIDTHS}


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: "-".join(map(str, view)))
def findings(
    request: pytest.FixtureRequest, origin: str, viewers: dict[tuple[str, int], Viewer]
) -> Findings:
    page, theme, width = request.param
    return examine(viewers[theme, width], origin + page, origin)


@pytest.mark.site
def test_it_asks_for_nothing_outside(findings: Findings) -> None:
    assert findings.outside == []


@pytest.mark.site
def test_the_console_stays_empty(findings: Findings) -> None:
    assert findings.complaints == []


@pytest.mark.site
def test_mathematics_is_typeset(findings: Findings) -> None:
    assert findings.mathematics == []


@pytest.mark.site
def test_axe_finds_nothing(findings: Findings) -> None:
    assert not findings.violations, "\n" + "\n".join(findings.violations)


@pytest.mark.site
def test_it_does_not_scroll_sideways(findings: Findings) -> None:
    assert not findings.too_wide, "\n" + "\n".join(findings.too_wide)


@pytest.mark.site
def test_pictures_are_described(findings: Findings) -> None:
    assert findings.undescribed == []


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_it_works_from_a_folder(
    page: str, site: Path, viewers: dict[tuple[str, int], Viewer]
) -> None:
    viewer = viewers["light", min(WIDTHS)]
    seen = viewer.open((site / page).as_uri())
    assert seen.outside(site.as_uri()) == []
    assert seen.complaints == []
    assert viewer.broken_mathematics() == []


@pytest.mark.site
@pytest.mark.parametrize("word", ["softmax", "Jacobian", "zzzz"])
def test_the_search_works_from_a_folder(
    word: str, site: Path, viewers: dict[tuple[str, int], Viewer]
) -> None:
    viewer = viewers["light", max(WIDTHS)]
    seen = viewer.open(f"{(site / 'search.html').as_uri()}?q={word}")
    viewer.page.wait_for_selector("#search-results p.search-summary:not(:empty)")
    viewer.page.wait_for_function("document.querySelector('.search-summary').innerText.length > 20")
    found = viewer.page.locator("#search-results li a").all_inner_texts()
    assert any(word.lower() in title.lower() for title in found) == (word != "zzzz")
    assert seen.complaints == []
    assert seen.outside(site.as_uri()) == []


@pytest.mark.site
def test_a_served_search_quotes_what_it_finds(
    origin: str, viewers: dict[tuple[str, int], Viewer]
) -> None:
    viewer = viewers["light", max(WIDTHS)]
    seen = viewer.open(f"{origin}search.html?q=median")
    viewer.page.wait_for_selector("#search-results li p.context")
    assert seen.complaints == []


@pytest.mark.site
def test_a_visit_leaves_the_theme_and_for_its_tab_the_place_in_the_sidebar(
    origin: str, browser: Browser
) -> None:
    viewer = Viewer(browser, "light", max(WIDTHS))
    requests = []
    for address in ["search.html?q=median", *PAGES]:
        seen = viewer.open(origin + address)
        requests += seen.outside(origin)
    viewer.page.locator(".theme-switch-button:visible").first.click()
    viewer.page.locator(".search-button__button:visible").first.click()
    viewer.page.keyboard.type("median")
    viewer.page.keyboard.press("Enter")
    viewer.page.wait_for_url("**/search.html?q=median*")
    assert requests == seen.outside(origin) == []
    viewer.open(origin + PAGES[0])  # what was searched for is shown there, and then forgotten
    assert viewer.page.context.cookies() == []
    assert viewer.page.evaluate("Object.keys(sessionStorage)") == ["sidebar-scroll-top"]
    assert set(viewer.page.evaluate("Object.keys(localStorage)")) == {"mode", "theme"}
    assert viewer.page.evaluate("indexedDB.databases()") == []
    assert viewer.page.evaluate("navigator.serviceWorker.getRegistrations()") == []


@pytest.mark.site
@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_follows_the_reader(
    theme: str, origin: str, viewers: dict[tuple[str, int], Viewer]
) -> None:
    viewer = viewers[theme, max(WIDTHS)]
    viewer.open(origin + PAGES[0])
    assert viewer.page.evaluate("document.documentElement.dataset.theme") == theme


@pytest.fixture
def examined(
    tmp_path: Path, viewers: dict[tuple[str, int], Viewer]
) -> Iterator[Callable[[str], Findings]]:
    with served(tmp_path) as origin:

        def examine_body(body: str) -> Findings:
            (tmp_path / "page.html").write_text(WHOLE.format(body), encoding="utf-8")
            return examine(viewers["light", min(WIDTHS)], origin + "page.html", origin)

        yield examine_body


def test_a_good_page_passes(examined: Callable[[str], Findings]) -> None:
    found = examined('<p><img alt="A dot." src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></p>')
    assert found == Findings([], [], [], [], [], [])


@pytest.mark.parametrize(
    ("body", "sort"),
    [
        ('<script src="https://example.org/x.js"></script>', "outside"),
        ("<script>fetch('http://192.0.2.1/x').catch(() => 0)</script>", "outside"),
        ("<script>console.error('no')</script>", "complaints"),
        ("<script>throw new Error('no')</script>", "complaints"),
        (r'<span class="math notranslate">\(x\)</span>', "mathematics"),
        (r'<p class="tex2jax_process">\(x\)</p>', "mathematics"),
        ("<p><mjx-merror>x</mjx-merror></p>", "mathematics"),
        ('<p style="color: #999">pale</p>', "violations"),
        ("<button></button>", "violations"),
        ('<div style="width: 500px">wide</div>', "too_wide"),
        ('<img alt=" " src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "undescribed"),
        ("<svg></svg>", "undescribed"),
    ],
)
def test_a_bad_page_is_caught(body: str, sort: str, examined: Callable[[str], Findings]) -> None:
    assert getattr(examined(body), sort) != []
