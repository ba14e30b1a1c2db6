"""How fast a live figure answers: the ℓ1 and the least-squares line under 100 points, in Chromium.

The page of the built site is opened with 100 random points in place of the chapter's. One of them
is held and moved in every frame; each time both lines are fitted anew, the certificate is computed
and the page is drawn.

**The keys**:

- `redraws_per_second`: frames that the browser showed in a second, each with a fit; it shows at
  most 60;
- `redraw`: the time that a move takes, from the pointer's event to the finished layout;
- `slowest_redraw`: the longest of all.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from _common import Result, parser, write_results

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from playwright.sync_api import Browser, Route
from tests.book.browser import REMEDY, find_chromium, launched, served, site_folder

POINTS = 100
PAGE = "book/lad.html"
GIVEN = re.compile(r'(data-figure="lad">)(.*?)(</script>)', re.DOTALL)
MOVE = """async ([frames]) => {
  const mark = document.querySelector('.hw-live [aria-label="point 1"]');
  const box = mark.getBoundingClientRect();
  const frame = () => new Promise(requestAnimationFrame);
  const starts = [], times = [];
  for (let i = 0; i < frames; i++) {
    starts.push(await frame());
    const began = performance.now();
    mark.dispatchEvent(new PointerEvent("pointermove", {
      pointerId: 1, bubbles: true,
      clientX: box.x + 100 + 90 * Math.sin(i / 9), clientY: box.y + 60 * Math.cos(i / 7),
    }));
    document.body.getBoundingClientRect();
    times.push(performance.now() - began);
  }
  return [(starts.at(-1) - starts[0]) / (frames - 1), times];
}"""


def main() -> None:
    """Measure, and write the results."""
    arguments = parser("live", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    arguments.add_argument("--frames", type=int, default=600)
    options = arguments.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit(REMEDY)
    if not (site_folder() / PAGE).is_file():
        sys.exit("there is no site in _build/html: run make book")
    with served(site_folder()) as origin, launched(executable) as browser:
        interval, times = drag(browser, origin + PAGE, options.frames)
        print(f"Chromium {browser.version}")
    about = f"{POINTS} points under two lines, one of them dragged for {options.frames} frames"
    results = {
        "redraws_per_second": Result(
            value=round(1000 / interval, 1), unit="1/s", what=f"Redraws in a second: {about}."
        ),
        "redraw": Result(
            value=round(statistics.median(times), 2), unit="ms", what=f"A redraw, median: {about}."
        ),
        "slowest_redraw": Result(
            value=round(max(times), 2), unit="ms", what=f"The slowest redraw: {about}."
        ),
    }
    write_results("live", results, packages=("playwright",), output=options.output)


def drag(browser: Browser, address: str, frames: int) -> tuple[float, list[float]]:
    """Milliseconds from frame to frame, and those of each redraw."""
    rng = np.random.default_rng(0)

    def more_points(match: re.Match[str]) -> str:
        given: dict[str, Any] = json.loads(match[2])
        for axis in ("x", "y"):
            given[axis] = rng.uniform(*given["limits"][axis], POINTS).tolist()
        return match[1] + json.dumps(given) + match[3]

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=GIVEN.sub(more_points, response.text()))

    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.route(address, answer)
        page.goto(address, wait_until="load")
        page.evaluate("() => window.MathJax?.startup?.promise")
        mark = page.locator('.hw-live [aria-label="point 1"]')
        mark.scroll_into_view_if_needed()
        mark.hover()
        page.mouse.down()
        interval, times = page.evaluate(MOVE, [frames])
        page.mouse.up()
    return interval, times


if __name__ == "__main__":
    main()
