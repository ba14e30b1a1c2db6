"""Live figures: what holds for each of them, whoever plays with it and however."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.book.browser import Viewer, built_pages, site_folder
from tests.book.live import PAGES, Live, playing
from tests.book.test_phone import FINGER, NARROWEST, SMALL

pytestmark = [pytest.mark.site, pytest.mark.browser]

each_figure = pytest.mark.parametrize("name", PAGES)
NOT_A_NUMBER = ("", "e", "-", "1e999")
FINITE = r"-?[\d.]+(e[-+]?\d+)?"
STOPS = ":is(input, button:enabled, select, [tabindex='0']):visible"
HINT = "p:not(.hw-facts) > .hw-site"


@pytest.fixture(scope="module", params=PAGES)
def live(request: pytest.FixtureRequest, browser: Browser, site: Path) -> Iterator[Live]:
    with playing(browser, site, request.param) as figure:
        yield figure


def play(live: Live) -> None:
    """Use every control once, by the keyboard."""
    for control in live.box.locator(STOPS).all():
        control.focus()
        live.page.keyboard.press("ArrowRight")
        live.page.keyboard.press("ArrowUp")


def read(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def assert_rounded(live: Live) -> None:
    """Each number is written as its value is, up to half of its last digit."""
    for name, (value, text) in live.shown().items():
        if re.fullmatch(r"−?[\d,.]+(e[+−]?\d+)?", text):
            mantissa, _, power = text.replace("−", "-").partition("e")
            decimals = len(mantissa.partition(".")[2])
            half = 0.5000001 * 10.0 ** (int(power or 0) - decimals)
            assert abs(read(text) - float(value)) <= half, (name, value, text)


def test_all_live_figures_are_tested(site: Path) -> None:
    found = {
        name: page
        for page in built_pages(site_folder())
        for name in re.findall(
            r'class="hw-live-given" data-figure="([^"]*)"',
            (site / page).read_text(encoding="utf-8"),
        )
    }
    assert found == PAGES


def test_the_keyboard_alone_plays(live: Live) -> None:
    before = live.shown()
    stops = live.box.locator(STOPS).count()
    live.box.evaluate("box => { box.tabIndex = -1; box.focus(); }")
    reached = 0
    while True:
        live.page.keyboard.press("Tab")
        if not live.box.evaluate("box => box.contains(document.activeElement)"):
            break
        assert (
            live.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
            >= 2
        )
        reached += 1
    assert reached == stops
    play(live)
    assert live.shown() != before


def test_each_number_is_rounded_from_its_value(live: Live) -> None:
    assert_rounded(live)
    play(live)
    assert_rounded(live)


def test_what_is_no_number_changes_nothing(live: Live) -> None:
    before = live.numbers()
    for field in live.box.locator("input[type='number']").all():
        for typed in NOT_A_NUMBER:
            field.press("Control+a")
            field.press("Delete")
            live.page.keyboard.insert_text(typed)  # all at once
            assert live.numbers() == before
            assert field.get_attribute("aria-invalid") == "true"
        field.press("Tab")
        assert field.get_attribute("aria-invalid") is None
    assert live.numbers() == before


def test_what_is_out_of_range_becomes_the_nearest_in_it(live: Live) -> None:
    for field in live.box.locator("input[type='number']").all():
        for typed, end in (("-1e9", "min"), ("1e9", "max")):
            field.fill(typed)
            assert field.get_attribute("aria-invalid") == "true"
            field.press("Tab")
            assert float(field.input_value()) == float(field.get_attribute(end) or "nan")
            assert all(re.fullmatch(FINITE, value) for value, _ in live.shown().values())


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("lad", "[aria-label='point 1']"),
        ("boxes", "rect.field"),
        ("softmax", "circle.handle"),
        ("fashion", "canvas"),
    ],
)
def test_a_finger_drags_and_does_not_scroll(
    name: str, mark: str, browser: Browser, site: Path
) -> None:
    with playing(browser, site, name, "light", NARROWEST, touch=True) as live:
        if name == "boxes":
            live.box.locator("select").select_option("own")
        target = live.box.locator(mark).first
        target.scroll_into_view_if_needed()
        box, before = target.bounding_box(), live.numbers()
        assert box is not None
        assert min(box["width"], box["height"]) >= FINGER
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        scrolled = live.page.evaluate("scrollY")
        finger = live.page.context.new_cdp_session(live.page)
        for kind, down in (
            ("touchStart", 0),
            ("touchMove", 15),
            ("touchMove", 40),
            ("touchEnd", 0),
        ):
            points = [] if kind == "touchEnd" else [{"x": x + down / 2, "y": y + down}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert live.numbers() != before
        assert live.page.evaluate("scrollY") == scrolled


def test_it_says_its_state_once_it_is_at_rest(live: Live) -> None:
    play(live)
    expect(live.box.get_by_role("status")).to_have_text(
        live.box.locator(".hw-live-words").text_content() or "nothing"
    )
    assert live.words()


def test_a_screen_reader_finds_the_words_once_and_at_once(
    browser: Browser, site: Path, live: Live
) -> None:
    heard = live.box.get_by_role("status")
    expect(heard).to_have_count(1)
    expect(live.box.locator(".hw-live-words")).to_have_attribute("aria-hidden", "true")
    if live.name != "fashion":  # says nothing before it is loaded
        context = browser.new_context()
        context.add_init_script("window.setTimeout = () => 0")
        page = context.new_page()
        page.goto((site / PAGES[live.name]).as_uri())
        expect(page.locator(".hw-live").get_by_role("status")).not_to_be_empty()
        context.close()


def test_a_slider_says_what_is_typed_beside_it(live: Live) -> None:
    for name in live.box.locator("input[type='number']").evaluate_all(
        "all => all.map(one => one.dataset.name)"
    ):
        live.enter((name, live.field(name).get_attribute("max")))
        expect(live.slider(name)).to_have_attribute(
            "aria-valuetext", live.field(name).input_value()
        )


@pytest.mark.parametrize("name", ["lad", "boxes", "softmax"])
def test_the_focus_outlives_a_change_of_width(name: str, browser: Browser, site: Path) -> None:
    with playing(browser, site, name) as live:
        if name == "boxes":
            live.box.locator("select").select_option("own")
        handle = live.box.locator(".handle[tabindex='0']")
        handle.focus()
        before = live.box.locator("svg").first.get_attribute("width")
        live.page.set_viewport_size({"width": NARROWEST, "height": 800})
        expect(live.box.locator("svg").first).not_to_have_attribute("width", before or "")
        expect(handle).to_be_focused()


def test_nothing_moves_by_itself(live: Live) -> None:
    play(live)
    assert live.box.evaluate("box => box.getAnimations({subtree: true}).length") == 0


def assert_accessible_and_narrow(live: Live) -> None:
    """Before and after it was played with."""
    for _ in range(2):
        assert live.violations() == []
        assert live.viewer.too_wide() == []
        assert live.page.evaluate(SMALL, FINGER) == []
        play(live)


def test_it_stays_accessible(live: Live) -> None:
    assert_accessible_and_narrow(live)


@each_figure
def test_it_stays_accessible_in_the_dark_on_a_phone(
    name: str, browser: Browser, site: Path
) -> None:
    with playing(browser, site, name, "dark", NARROWEST) as live:
        assert_accessible_and_narrow(live)


def test_it_follows_the_theme(live: Live) -> None:
    ink = "box => getComputedStyle(box.querySelector('th, text, span')).color"
    light = live.box.evaluate(ink)
    live.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert live.box.evaluate(ink) != light
    live.page.evaluate("document.documentElement.dataset.theme = 'light'")


def test_paper_has_the_still_figure(live: Live) -> None:
    expect(live.still).to_be_hidden()
    live.page.emulate_media(media="print")
    expect(live.still).to_be_visible()
    expect(live.box).to_be_hidden()
    assert live.page.locator(f"{HINT}:visible").count() == 0
    live.page.emulate_media(media="screen")


@each_figure
def test_without_scripts_there_is_the_still_figure(name: str, browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / PAGES[name]).as_uri())
    figure = page.locator(f'figure:has([data-figure="{name}"])')
    expect(figure.locator(".hw-figure svg")).to_be_visible()
    expect(figure.locator(".hw-live")).to_have_count(0)
    assert page.locator(f"{HINT}:visible").count() == 0
    context.close()


def test_a_page_without_live_figures_loads_none_of_their_scripts(site: Path) -> None:
    text = (site / "book/lad-fast.html").read_text(encoding="utf-8")
    assert "/live/" not in text
    assert "/live/live.js" in (site / PAGES["softmax"]).read_text(encoding="utf-8")


def test_a_number_too_small_for_its_digits_is_a_power_of_ten(browser: Browser, site: Path) -> None:
    viewer = Viewer(browser, "light", 1280)
    viewer.open((site / PAGES["softmax"]).as_uri())
    texts = viewer.page.evaluate(
        "[[0.0005, 3], [-0.0004, 3], [1e-17, 3], [-0.0, 2], [1234567, 0], [0.5, 1], [NaN, 1]]"
        ".map(given => hwLive.format(...given))"
    )
    assert texts == ["0.001", "−4.0e−4", "0.000", "0.00", "1.2e+6", "0.5", "undefined"]
    viewer.page.context.close()
