"""Whether the chapters alone find a mutant: their cells stop, without pytest."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from outcomes import BUILD, ROOT, SOURCES
from sampling import Mutant, sample
from selection import Selection
from trial import Outcome

# The chapters that do not train for minutes, the quickest first.
PAGES = ("softmax", "softmax-loss", "boxes", "lad", "lad-reduction", "boxes-curse", "backprop")
# What draws, and what states a claim or a published value: no claim speaks of these.
NOT_CLAIMED = {
    *("_drawn.py", "_live.py", "_svg.py", "_table.py", "figures.py", "boxes/_drawing.py"),
    *("_benchmarks.py", "claims.py"),
}


def draw(candidates: list[Mutant], sources: Path, size: int, seed: int) -> list[Mutant]:
    """As many mutants for each chapter, each in a function that the chapter runs to compute."""
    folder = BUILD / "pages"
    if not (folder / "coverage").exists():
        _measure_pages(folder)
    selection = Selection(folder, sources)
    candidates = [one for one in candidates if one.module not in NOT_CLAIMED]
    statements = {(one.module, one.line) for one in candidates}
    pages = {at: selection.contexts(*at) for at in statements}
    chosen: list[Mutant] = []
    for page in PAGES:
        left = [one for one in candidates if page in pages[one.module, one.line]]
        left = [one for one in left if one.place not in {other.place for other in chosen}]
        wanted = size // len(PAGES) + (PAGES.index(page) < size % len(PAGES))
        chosen += sample(left, sources, wanted, seed)
    return chosen


def attempt() -> Callable[[Mutant, str, str], Outcome]:
    """A trial of a mutant with the cells of the chapters that execute it, and nothing else."""
    plant = _plant()
    selection = Selection(BUILD / "pages", SOURCES)

    def tried(mutant: Mutant, source: str, mutated: str) -> Outcome:
        file = f"src/hwlib/{mutant.module}"
        pages = selection.contexts(mutant.module, mutant.line)
        for page in sorted(pages, key=lambda page: selection.seconds[page]):
            fault = plant.Fault("a mutant", page, file, source, mutated, ())
            try:
                with _limited(30 + 3 * selection.seconds[page]):
                    found = plant.statuses(page, fault)
            except (TimeoutError, RuntimeError) as error:
                return Outcome("timeout" if isinstance(error, TimeoutError) else "failed", page)
            red = [name for name, status in found.items() if name == "error" or status == "false"]
            if red:
                return Outcome("failed", f"{page}: {red[0]}")
        return Outcome("passed")

    return tried


def _measure_pages(folder: Path) -> None:
    """Run each chapter once as it is, under coverage."""
    import coverage

    plant = _plant()
    folder.mkdir(parents=True, exist_ok=True)
    given = {"COVERAGE_FILE": str(folder / "coverage"), "HWLIB_TEST": ""}
    os.environ.update(given | {"COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml")})
    seconds = {}
    for page in PAGES:
        os.environ["HWLIB_TEST"] = page
        start = time.monotonic()
        found = plant.statuses(page)
        seconds[page] = [0.0, time.monotonic() - start]
        print(f"{page}: {len(found)} claims, {seconds[page][-1]:.0f} s", flush=True)
        if set(found.values()) != {"held"}:
            raise SystemExit(f"{page} does not hold as it is: {found}")
    del os.environ["COVERAGE_PROCESS_START"]
    measured = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    measured.combine([str(folder)])
    measured.save()
    (folder / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


def _plant() -> ModuleType:
    sys.path.insert(0, str(ROOT))
    from tests.book import plant

    return plant


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(int(seconds))
    try:
        yield
    finally:
        signal.alarm(0)
