"""How long the whole book takes to build: once from its sources alone, once with nothing changed.

Both builds are in a copy of what git tracks, one after the other, in the environment that is there.
The data have to be there, too: without them two chapters are shorter. Every library has one thread,
as always in the book.

**The keys**:

- `cold_minutes`: the first build;
- `cells_<page>`: the seconds in it that the cells of a page took;
- `warm_seconds`: the second build.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from _common import Result, parser, write_results
from jupyter_cache import get_cache

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.book.reproduce import ROOT, Surroundings, build, copy_tracked

QUIET = Surroundings("book", 0o022, {"HWLIB_REQUIRE_DATA": "1"})


def main() -> None:
    """Measure, and write the results."""
    arguments = parser("book", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, QUIET.folder)
        copy_tracked(ROOT, root)
        cold = timed_build(root)
        cells = seconds_in_cells(root)
        warm = timed_build(root)
    print(f"cold {cold / 60:.1f} min, warm {warm:.1f} s", *cells.items(), sep="\n")
    cores = f"on {os.cpu_count()} cores"
    results = {
        "cold_minutes": Result(
            value=round(cold / 60, 2), unit="min", what=f"The book from its sources, {cores}."
        ),
        "warm_seconds": Result(
            value=round(warm, 1), unit="s", what=f"The same again, with nothing changed, {cores}."
        ),
    }
    for page, seconds in cells.items():
        results[f"cells_{page}"] = Result(
            value=round(seconds, 1), unit="s", what=f"The cells of {page} in the first build."
        )
    write_results("book", results, packages=("jupyter-book", "sphinx"), output=options.output)


def timed_build(root: Path) -> float:
    """The seconds that a build takes."""
    start = time.perf_counter()
    build(root, QUIET)
    return time.perf_counter() - start


def seconds_in_cells(root: Path) -> dict[str, float]:
    """How long the cells of each page took, from the cache that the build left."""
    (cache,) = (root / "_build" / ".jupyter_cache").iterdir()
    records = get_cache(cache).list_cache_records()
    return {Path(one.uri).stem: one.data["execution_seconds"] for one in records}


if __name__ == "__main__":
    main()
