"""Headless Chromium for the built site: what a page requests, says, shows, and how it looks.

For people, from the repository's root::

    python tests/book/browser.py --out pictures            # every page
    python tests/book/browser.py --out pictures book/ledger.html
"""

from __future__ import annotations

import argparse
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

HERE = Path(__file__).resolve().parent
THEMES = ("light", "dark")
WIDTHS = (1280, 390)
HEIGHT = 900
REMEDY = "no browser: apt-get install chromium, or set HWLIB_CHROMIUM to its executable"
AXE = (HERE / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text(encoding="utf-8")

_SETTLED = """async () => {
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""

_VIOLATIONS = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.flatMap(({id, nodes}) =>
    nodes.map(({target, html}) => ({rule: id, target: target.join(" "), html})));
}"""

_UNDESCRIBED = """() => [...document.querySelectorAll("img, svg")]
  .filter(picture => !picture.closest("mjx-container, [aria-hidden=true], button[aria-label]"))
  .filter(picture => !(picture.getAttribute("alt") || picture.getAttribute("aria-label") ||
                       picture.querySelector(":scope > title")?.textContent || "").trim())
  .map(picture => picture.outerHTML.slice(0, 200))"""

_TOO_WIDE = """() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const kept = box => {
    const outer = box.parentElement;
    if (!outer || outer === document.body) return false;
    return getComputedStyle(outer).overflowX !== "visible" || kept(outer);
  };
  const culprits = [...document.body.querySelectorAll("*")]
    .filter(box => box.getBoundingClientRect().right > page.clientWidth + 1 && !kept(box))
    .map(box => box.outerHTML.slice(0, 160));
  return [`${page.scrollWidth} px in a window of ${page.clientWidth} px`, ...culprits.slice(0, 5)];
}"""

_MATHEMATICS = r"""() => {
  const errors = [...document.querySelectorAll("mjx-merror, [data-mjx-error]")];
  const left = [...document.querySelectorAll(".math, .tex2jax_process")]
    .filter(node => /\\\(|\\\[|\$\$/.test(node.innerText));
  const bare = [...document.querySelectorAll(".math.notranslate")]
    .filter(node => !node.querySelector("mjx-container mjx-assistive-mml"));
  return [...errors, ...left, ...bare].map(node => node.outerHTML.slice(0, 200));
}"""


@dataclass
class Seen:
    """What a page did while it loaded."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def outside(self, origin: str) -> list[str]:
        """The requests that leave the site."""
        return [url for url in self.requests if not url.startswith((origin, "data:", "blob:"))]


class Viewer:
    """One window of one theme and width, in which one page after another is opened."""

    def __init__(self, browser: Browser, theme: str, width: int, *, touch: bool = False) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            color_scheme=theme,
            reduced_motion="reduce",
            has_touch=touch,
        )
        self.page: Page = context.new_page()
        self._seen = Seen()
        self.page.on("request", lambda request: self._seen.requests.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._seen.complaints.append(str(error)))

    def open(self, url: str) -> Seen:
        """Open a page and wait until its fonts and its mathematics stand."""
        self._seen = Seen()
        self.page.goto(url, wait_until="load")
        self.page.evaluate(_SETTLED)
        return self._seen

    def violations(self) -> list[str]:
        """What axe-core finds, a line for each element."""
        self.page.evaluate(AXE)
        found: list[dict[str, Any]] = self.page.evaluate(_VIOLATIONS)
        return [f"{one['rule']}: {one['target']}: {one['html'][:200]}" for one in found]

    def undescribed(self) -> list[str]:
        """Pictures without a text alternative."""
        return list(self.page.evaluate(_UNDESCRIBED))

    def too_wide(self) -> list[str]:
        """The page's width and what makes it scroll sideways; empty if it does not."""
        return list(self.page.evaluate(_TOO_WIDE))

    def broken_mathematics(self) -> list[str]:
        """Formulas that were not typeset, or with an error, or without MathML for assistance."""
        return list(self.page.evaluate(_MATHEMATICS))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._seen.complaints.append(f"{message.type}: {message.text}")


def find_chromium() -> str | None:
    """The browser's executable, or None."""
    return os.environ.get("HWLIB_CHROMIUM") or shutil.which("chromium")


def site_folder() -> Path:
    """Where the built site is, or would be."""
    return Path(os.environ.get("HWLIB_SITE") or HERE.parents[1] / "_build" / "html").resolve()


def built_pages(site: Path) -> list[str]:
    """Every page that a person sees: all but the root's redirect and the parts of pages."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return [page for page in pages if page != "index.html" and not page.startswith("_static/")]


@contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """A headless browser that can reach nothing but this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        try:
            yield browser
        finally:
            browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def take_pictures(out: Path, pages: list[str]) -> None:
    """Save each page as a full-page picture, in each theme and width."""
    executable = find_chromium()
    if executable is None:
        raise SystemExit(REMEDY)
    out.mkdir(parents=True, exist_ok=True)
    with served(site_folder()) as origin, launched(executable) as browser:
        for theme in THEMES:
            for width in WIDTHS:
                viewer = Viewer(browser, theme, width)
                for page in pages:
                    viewer.open(origin + page)
                    name = f"{page.removesuffix('.html').replace('/', '-')}-{theme}-{width}.png"
                    viewer.page.screenshot(path=out / name, full_page=True)


def main() -> None:
    """Take pictures of pages of the built site."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("pages", nargs="*", help="such as book/ledger.html (default: all)")
    given = parser.parse_args()
    take_pictures(given.out, given.pages or built_pages(site_folder()))


if __name__ == "__main__":
    main()
