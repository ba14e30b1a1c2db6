"""A live figure in a browser: its controls and its numbers, as a reader has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator
from tests.book.browser import AXE, Viewer

# Where each live figure is, by the name of its script.
PAGES = {
    "lad": "book/lad.html",
    "boxes": "book/boxes.html",
    "curse": "book/boxes-curse.html",
    "softmax": "book/softmax.html",
    "backprop": "book/backprop.html",
    "fashion": "book/fashion-mnist.html",
}
_NUMBERS = """box => Object.fromEntries([...box.querySelectorAll("[data-name]")].map(one =>
  [one.dataset.name, [one.dataset.value, one.matches("input") ? one.value : one.textContent]]))"""

_ENTER = """(box, values) => {
  for (const [name, value] of values) {
    const field = box.querySelector(`input[data-name="${name}"]`);
    field.value = value;
    field.dispatchEvent(new Event("input"));
  }
}"""
# Without a preload: a page from a folder may not read its own style sheets.
_VIOLATIONS = """async box => {
  const found = await axe.run(box, {resultTypes: ["violations"], preload: false});
  return found.violations.flatMap(({id, nodes}) =>
    nodes.map(({target, html}) => `${id}: ${target.join(" ")}: ${html.slice(0, 200)}`));
}"""


class Live:
    """One live figure in an open page."""

    def __init__(self, viewer: Viewer, name: str) -> None:
        self.viewer, self.page, self.name = viewer, viewer.page, name
        self.box: Locator = self.page.locator(f'.hw-live[data-figure="{name}"]')
        self.still: Locator = self.page.locator(
            f'figure:has([data-figure="{name}"]) > * .hw-figure'
        )

    def shown(self) -> dict[str, tuple[str, str]]:
        """Each number: at full precision, and as it is written."""
        found: dict[str, list[str]] = self.box.evaluate(_NUMBERS)
        return {name: (value, text) for name, (value, text) in found.items()}

    def numbers(self) -> dict[str, float]:
        """Each number at full precision."""
        return {name: float(value) for name, (value, _) in self.shown().items()}

    def field(self, name: str) -> Locator:
        """The field of a number."""
        return self.box.locator(f'input[data-name="{name}"]')

    def slider(self, name: str) -> Locator:
        """The slider beside it."""
        return self.box.locator(f'.hw-live-row:has([data-name="{name}"]) input[type="range"]')

    def enter(self, *pairs: tuple[str, Any], **values: Any) -> None:
        """Put values into fields, one after another, as typing does."""
        self.box.evaluate(_ENTER, [[name, str(value)] for name, value in (*pairs, *values.items())])

    def drag(self, mark: Locator, across: float, down: float) -> None:
        """Drag a mark by so many pixels."""
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across / 2, y + down / 2)
        self.page.mouse.move(x + across, y + down)
        self.page.mouse.up()

    def violations(self) -> list[str]:
        """What axe-core finds in the figure, a line for each element."""
        self.page.evaluate(AXE)
        return list(self.box.evaluate(_VIOLATIONS))

    def words(self) -> str:
        """What the figure says."""
        return self.box.locator(".hw-live-words").inner_text()


@contextmanager
def playing(
    browser: Browser,
    site: Path,
    name: str,
    theme: str = "light",
    width: int = 1280,
    *,
    touch: bool = False,
) -> Iterator[Live]:
    """A live figure in a page that is opened from a folder, and must do so without complaint."""
    viewer = Viewer(browser, theme, width, touch=touch)
    seen = viewer.open((site / PAGES[name]).as_uri())
    live = Live(viewer, name)
    live.box.scroll_into_view_if_needed()
    load = live.box.get_by_role("button", name="Load")
    if load.count():
        load.press("Enter")
        load.wait_for(state="detached")
    try:
        yield live
        assert not seen.complaints, seen.complaints
        assert seen.outside(site.as_uri()) == []
    finally:
        viewer.page.context.close()
