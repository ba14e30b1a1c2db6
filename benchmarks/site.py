"""How soon a reader sees a page: the built site in headless Chromium, from this machine.

Each page is opened anew in each round, with an empty cache, once at this machine's speed and once
as on a telephone: 390 px wide, a processor four times slower, 1.6 Mbit/s and 150 ms for each
request and its answer. Times count from the request of the page; each is the median of the rounds.

**The keys**, with `<page>` for the page's name, and `phone_` before a key for the second way:

- `first_paint_<page>`: when the first text or picture is there;
- `typeset_<page>`: when MathJax has set all formulas;
- `bytes_<page>`: what was loaded, MathJax and fonts included;
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
WAYS = {"": "", "phone_": ", as on a telephone"}
MEASURED = {
    "first_paint": ("ms", "Until the first text or picture of {}"),
    "typeset": ("ms", "Until the formulas are set, {}"),
    "bytes": ("bytes", "Loaded with {}"),
}
_TIMES = """async () => {
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
  const typeset = performance.now();
  const painted = await new Promise(done => new PerformanceObserver(list => {
    list.getEntriesByName("first-contentful-paint").forEach(done);
  }).observe({type: "paint", buffered: true}));
  const loads = ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind));
  return {
    first_paint: painted.startTime,
    typeset,
    bytes: loads.reduce((sum, load) => sum + load.transferSize, 0),
  };
}"""


def main() -> None:
    """Measure every page, and write the results."""
    arguments = parser("site", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit(REMEDY)
    pages = built_pages(site_folder())
    if not pages:
        sys.exit("there is no site in _build/html: run make book")
    with served(site_folder()) as origin, launched(executable) as browser:
        found = {
            (page, way): [opened(browser, origin + page, way) for _ in range(options.rounds)]
            for page in pages
            for way in WAYS
        }
        versions = browser.version
    print(f"Chromium {versions}")
    write_results("site", summary(found, pages), packages=("playwright",), output=options.output)


def opened(browser: Browser, address: str, way: str) -> dict[str, float]:
    """Times and bytes of one visit, with nothing in the cache."""
    width = 390 if way else 1280
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    if way:
        session = context.new_cdp_session(page)
        line = {"latency": DELAY, "downloadThroughput": RATE, "uploadThroughput": RATE}
        session.send("Network.emulateNetworkConditions", {"offline": False, **line})
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="networkidle")
    times: dict[str, float] = page.evaluate(_TIMES)
    context.close()
    return times


def summary(
    found: dict[tuple[str, str], list[dict[str, float]]], pages: list[str]
) -> dict[str, Result]:
    """The median of each page's visits, and of the pages."""
    results: dict[str, Result] = {}
    for way, where in WAYS.items():
        for what, (unit, sentence) in MEASURED.items():
            values = {
                page: statistics.median(visit[what] for visit in found[page, way]) for page in pages
            }
            for page, value in values.items():
                results[f"{way}{what}_{page.removeprefix('book/').removesuffix('.html')}"] = Result(
                    value=round(value), unit=unit, what=sentence.format(page) + where + "."
                )
            for name, over in (("worst", max), ("median", statistics.median)):
                about = sentence.format(f"a page: {name} of {len(pages)} pages")
                results[f"{way}{name}_{what}"] = Result(
                    value=round(over(values.values())), unit=unit, what=about + where + "."
                )
    return results


if __name__ == "__main__":
    main()
