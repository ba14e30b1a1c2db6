"""Step networks beside NumPy's own interpolation, and what large sums take.

Ratios of the best of several runs, in one process, on fresh random numbers.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _common import Result, parser, write_results

from hwlib import boxes

POINTS, BOXES, CELLS = 1_000_000, 100_000, 200
REPEATS = 9


def best(*runs: Callable[[], Any]) -> list[float]:
    """The shortest time of each, in turns."""
    times = [[0.0] * REPEATS for _ in runs]
    for repeat in range(REPEATS):
        for k, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[k][repeat] = time.perf_counter() - start
    return [min(of_one) for of_one in times]


def beside_interpolation(rng: np.random.Generator) -> dict[str, Result]:
    """Both find a point among the same edges."""
    network = boxes.box_sum(np.sin, 1.0, BOXES)
    network(0.0)
    knots = np.linspace(-1, 1, BOXES + 1)
    values = np.sin(knots)
    results: dict[str, Result] = {}
    mixed = rng.uniform(-1, 1, POINTS)
    for order, x in {"random": mixed, "sorted": np.sort(mixed)}.items():
        ours, theirs = best(
            lambda x=x: network(x),  # type: ignore[misc]
            lambda x=x: np.interp(x, knots, values),  # type: ignore[misc]
        )
        results[f"interp_ratio_{order}"] = {
            "value": ours / theirs,
            "unit": "ratio",
            "what": f"{POINTS:,} points through {BOXES:,} boxes, {order} order, over numpy.interp",
        }
    return results


def building() -> dict[str, Result]:
    """What a sum of a million boxes takes on top of the function's own time."""
    middles = np.linspace(-1, 1, 1_000_000)
    build, function = best(lambda: boxes.box_sum(np.sin, 1.0, 1_000_000), lambda: np.sin(middles))
    return {
        "build_seconds": {
            "value": build - function,
            "unit": "s",
            "what": "box_sum with 1,000,000 boxes, less one evaluation of f",
        }
    }


def in_space() -> dict[str, Result]:
    """The peak memory of a process of its own that builds and evaluates a grid."""
    output = subprocess.run(
        [sys.executable, __file__, "--grid"], check=True, capture_output=True, text=True
    ).stdout
    seconds, gib = map(float, output.split())
    what = f"{CELLS}³ boxes built and evaluated at {POINTS:,} points"
    return {
        "grid_gib": {"value": gib, "unit": "GiB", "what": f"peak memory of a process: {what}"},
        "grid_seconds": {"value": seconds, "unit": "s", "what": what},
    }


def grid() -> None:
    """The process that :func:`in_space` measures."""
    x = np.random.default_rng().uniform(-1, 1, (POINTS, 3))
    start = time.perf_counter()
    boxes.grid_sum(lambda p: np.sin(p).sum(axis=-1), 1.0, CELLS, 3)(x)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Measure all, print, and write the results."""
    arguments = parser("boxes", __doc__)
    arguments.add_argument("--grid", action="store_true", help="measure one grid, and print")
    options = arguments.parse_args()
    if options.grid:
        grid()
        return
    rng = np.random.default_rng()
    results = beside_interpolation(rng) | building() | in_space()
    for key, result in results.items():
        print(f"{key:20} {result['value']:8.3f} {result['unit']:6} {result['what']}")
    write_results("boxes", results, packages=["hwlib", "numpy"], output=options.output)


if __name__ == "__main__":
    main()
