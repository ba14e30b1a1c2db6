"""How soon a reader sees a page: the built site in headless Chromium, from this machine.

Each page is opened anew in each round, with an empty cache, once at this machine's speed and once
as on a telephone: 390 px wide, a processor four times slower, 1.6 Mbit/s and 150 ms for each
request and its answer, nothing compressed. Times count from the request of the page; each is the
median of the rounds.

**The keys**, with `<page>` for the page's name:

- `first_paint_<page>`: when the first text or picture is there;
- `typeset_<page>`: when MathJax has set all formulas;
- `bytes_<page>`: what was loaded, MathJax and fonts included;
- `phone_first_paint_<page>`: as on a telephone;
- `worst_<what>` and `median_<what>`: over all pages.
"""

from __future__ import annotations

import statistics
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from _common import Result, parser, write_results

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser
from tests.book.browser import REMEDY, built_pages, find_chromium, launched, served, site_folder

DELAY = 150  # ms
RATE = 1.6e6 / 8  # bytes a second
MEASURED = {
    "first_paint": ("ms", "Until the first text or picture of {}"),
    "typeset": ("ms", "Until the formulas are set, {}"),
    "bytes": ("bytes", "Loaded with {}"),
    "phone_first_paint": ("ms", "Until the first text or picture, as on a telephone, of {}"),
}
FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  list.getEntriesByName("first-contentful-paint").forEach(entry => done(entry.startTime));
}).observe({type: "paint", buffered: true}))"""
TYPESET = """async () => {
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
  return performance.now();
}"""
BYTES = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
  .reduce((sum, load) => sum + load.transferSize, 0)"""


def main() -> None:
    """Measure every page, and write the results."""
    arguments = parser("site", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit(REMEDY)
    pages = built_pages(site_folder())
    if not pages:
        sys.exit("there is no site in _build/html: run make book")
    with served(site_folder()) as origin, launched(executable) as browser:
        found = {
            page: [
                desktop(browser, origin + page) | telephone(browser, origin + page)
                for _ in range(options.rounds)
            ]
            for page in pages
        }
        print(f"Chromium {browser.version}")
    write_results("site", summary(found), packages=("playwright",), output=options.output)


def desktop(browser: Browser, address: str) -> dict[str, float]:
    """One visit with nothing in the cache."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(address, wait_until="load")
        typeset = page.evaluate(TYPESET)
        page.wait_for_load_state("networkidle")
        first_paint, loaded = page.evaluate(FIRST_PAINT), page.evaluate(BYTES)
    return {"first_paint": first_paint, "typeset": typeset, "bytes": loaded}


def telephone(browser: Browser, address: str) -> dict[str, float]:
    """The same on a slow line and a slow processor, up to the first paint."""
    with browser.new_context(viewport={"width": 390, "height": 900}) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        line = {"latency": DELAY, "downloadThroughput": RATE, "uploadThroughput": RATE}
        session.send("Network.emulateNetworkConditions", {"offline": False, **line})
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(address, wait_until="commit")
        return {"phone_first_paint": page.evaluate(FIRST_PAINT)}


def summary(found: dict[str, list[dict[str, float]]]) -> dict[str, Result]:
    """The median of each page's visits, and of the pages."""
    results: dict[str, Result] = {}
    for what, (unit, sentence) in MEASURED.items():
        values = []
        for page, visits in found.items():
            values.append(statistics.median(visit[what] for visit in visits))
            name = page.removeprefix("book/").removesuffix(".html")
            results[f"{what}_{name}"] = Result(
                value=round(values[-1]), unit=unit, what=f"{sentence.format(page)}."
            )
        for name, over in (("worst", max), ("median", statistics.median)):
            about = sentence.format(f"a page: {name} of {len(found)}")
            results[f"{name}_{what}"] = Result(
                value=round(over(values)), unit=unit, what=f"{about}."
            )
    return results


if __name__ == "__main__":
    main()
