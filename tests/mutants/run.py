"""Mutation testing: how many small mistakes in ``src/hwlib`` the tests find, and how many the book.

``run.py units`` draws a stratified random sample of cosmic-ray's mutants and runs, for each, the
tests that execute its statement. ``run.py book`` draws from the code by which chapters compute, and
runs the chapters' cells alone. Both go on where they were stopped, and list the survivors. Those
that were looked at stand in ``survivors.toml``: equivalent, with the reason why no result depends
on the change, tested since, with the test, or left, with the reason. ``run.py report`` writes
``benchmarks/results``, once all of the units' were looked at.

The score is the share that is found of those that are not equivalent, with its 95% interval
(Clopper and Pearson). A mutant on which time runs out counts as found: the test suite stops there,
too. One in a statement that no test executes counts as a survivor.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import platform
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from types import ModuleType

from sampling import Mutant, modules, mutants, sample
from scipy.stats import binomtest
from selection import Selection
from trial import Outcome, copied, planted, trial, warm

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "hwlib"
BUILD = ROOT / ".mutants"
HERE = Path(__file__).parent
LOOKED_AT = HERE / "survivors.toml"
SEED = 20261127
SIZES = {"units": 320, "book": 60}
# The chapters that do not train for minutes, the quickest first.
PAGES = ("softmax", "softmax-loss", "boxes", "lad", "lad-reduction", "boxes-curse", "backprop")
MOST_WRONG = 20  # tests that fail in a copy before something else must be wrong
PATIENT = 4  # times as long for the tests of a mutant that survived before
FOUND = {"failed", "timeout"}
# What draws, and what states a claim or a published value: no claim speaks of these.
NOT_CLAIMED = {
    *("_drawn.py", "_live.py", "_svg.py", "_table.py", "figures.py", "boxes/_drawing.py"),
    *("_benchmarks.py", "claims.py"),
}


class Trials:
    """The outcomes so far, kept in a file by mutant and text of its module."""

    def __init__(self, part: str) -> None:
        self._file = BUILD / f"{part}.jsonl"
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        self._known = {
            (entry["mutant"], entry["source"]): entry for entry in map(json.loads, lines)
        }

    def known(self, mutant: Mutant) -> dict[str, str] | None:
        return self._known.get(_key(mutant))

    def add(self, mutant: Mutant, outcome: Outcome, seconds: float) -> None:
        name, source = _key(mutant)
        entry = {"mutant": name, "source": source, "seconds": round(seconds, 1)} | asdict(outcome)
        self._known[name, source] = entry
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class Tally:
    """What came of a sample: those not tried yet do not count.

    Attributes:
        verdicts: How many of each.
        survivors: With what is known of them, by ``survivors.toml``.
    """

    verdicts: Counter[str]
    survivors: list[tuple[Mutant, dict[str, str]]]

    @property
    def tried(self) -> int:
        return self.verdicts.total()

    @property
    def found(self) -> int:
        return self.tried - len(self.survivors)

    @property
    def equivalent(self) -> int:
        return sum("why" in known for _, known in self.survivors)

    @property
    def score(self) -> float:
        """The share that was found, the equivalent ones aside."""
        return self.found / (self.tried - self.equivalent)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of Clopper and Pearson for the score."""
        ends = binomtest(self.found, self.tried - self.equivalent).proportion_ci(0.95)
        return ends.low, ends.high


def tally(chosen: list[Mutant], trials: Trials) -> Tally:
    """Count a sample."""
    verdicts = {one: known["verdict"] for one in chosen if (known := trials.known(one))}
    lived = [one for one, verdict in verdicts.items() if verdict not in FOUND]
    seen = looked_at()
    survivors = [(one, seen.get((one.module, *change(one)), {})) for one in lived]
    return Tally(Counter(verdicts.values()), survivors)


def main(arguments: list[str] | None = None) -> int:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("part", choices=["units", "book", "report"])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--size", type=int, help="mutants to draw")
    parser.add_argument("--again", action="store_true", help="try survivors again, with more tests")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    given = parser.parse_args(arguments)
    parts = list(SIZES) if given.part == "report" else [given.part]
    tallies = {}
    for part in parts:
        chosen = _drawn(part, given.size or SIZES[part], given.seed)
        print(f"{part}: {len(chosen)} mutants, seed {given.seed}", flush=True)
        trials = Trials(part)
        if given.part != "report":
            patience = PATIENT if given.again else 1
            run = _book if part == "book" else partial(_units, patience=patience)
            todo = [one for one in chosen if _open(one, trials.known(one), given.again)]
            run(todo, trials, time.monotonic() + 60 * given.minutes)
        tallies[part] = tally(chosen, trials)
        _say(part, tallies[part])
    if given.part == "report":
        _write(tallies, given.seed)
    return 0


def _open(mutant: Mutant, known: dict[str, str] | None, again: bool) -> bool:
    if known is None or not again:
        return known is None
    seen = looked_at().get((mutant.module, *change(mutant)), {})
    return known["verdict"] not in FOUND and "why" not in seen


def _drawn(part: str, size: int, seed: int) -> list[Mutant]:
    """The sample, from the file of an earlier call if modules and rules are what they were."""
    files = [*(SOURCES / name for name in modules(SOURCES)), *sorted(HERE.glob("*.py"))]
    texts = "".join(file.read_text(encoding="utf-8") for file in files)
    state = hashlib.sha256(f"{part} {size} {seed} {texts}".encode()).hexdigest()[:16]
    file = BUILD / f"{part}-{state}.json"
    if not file.exists():
        candidates = [mutant for name in modules(SOURCES) for mutant in mutants(SOURCES, name)]
        draw = _draw_of_pages if part == "book" else sample
        chosen = draw(candidates, SOURCES, size, seed)
        file.write_text(json.dumps([asdict(mutant) for mutant in chosen]), encoding="utf-8")
    return [Mutant(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]


def _units(todo: list[Mutant], trials: Trials, until: float, patience: float) -> None:
    """Try mutants against the tests; what a test found counts only if it passes without it."""
    selection = Selection(BUILD, SOURCES, patience)
    with copied(ROOT) as copy:
        warm(copy)

        def attempt(mutant: Mutant, _: str, mutated: str) -> Outcome:
            outcome = Outcome("not run")
            for tests in selection.batches(mutant.module, mutant.line):
                with planted(copy / "src/hwlib" / mutant.module, mutated):
                    outcome = trial(copy, tests, selection.duration(tests))
                if outcome.verdict in FOUND:
                    named = outcome.test or tests[0]  # where not even the import succeeded
                    return Outcome(outcome.verdict, named)
            return outcome

        while todo := _each(todo, trials, until, attempt):
            wrong = _failing(copy, {trials.known(one)["test"] for one in todo}, selection)
            todo = [one for one in todo if trials.known(one)["test"] in wrong]
            if not todo:
                break


def _failing(copy: Path, found_by: set[str], selection: Selection) -> set[str]:
    """Of the tests that found mutants, those that fail without one; no more is asked of them."""
    wrong: set[str] = set()
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in sorted(found_by & selection.seconds.keys()):
        by_file[test.partition("::")[0]].append(test)
    for tests in by_file.values():
        while left := [test for test in tests if test not in wrong]:
            outcome = trial(copy, left, selection.duration(left))
            if outcome.verdict == "passed":
                break
            wrong.add(outcome.test or left[0])
            print(f"left out, fails without a mutant: {outcome.test or left[0]}", flush=True)
            selection.seconds.pop(outcome.test or left[0], None)
            if len(wrong) > MOST_WRONG:
                raise SystemExit(f"too many fail in a copy:\n{(copy / 'log').read_text()}")
    return wrong


def _book(todo: list[Mutant], trials: Trials, until: float) -> None:
    """Try mutants against the cells of the chapters that execute them, and nothing else."""
    plant = _plant()
    selection = Selection(BUILD / "pages", SOURCES)

    def attempt(mutant: Mutant, source: str, mutated: str) -> Outcome:
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

    _each(todo, trials, until, attempt)


Attempt = Callable[[Mutant, str, str], Outcome]


def _each(todo: list[Mutant], trials: Trials, until: float, attempt: Attempt) -> list[Mutant]:
    """Try mutants one after another, and return those that were tried."""
    for index, mutant in enumerate(todo):
        if time.monotonic() > until:
            print(f"{len(todo) - index} are left: call again", flush=True)
            return todo[:index]
        source = (SOURCES / mutant.module).read_text(encoding="utf-8")
        mutated = mutant.applied(source)
        assert mutated is not None, "the sample holds none that the rules leave out"
        start = time.monotonic()
        outcome = attempt(mutant, source, mutated)
        trials.add(mutant, outcome, time.monotonic() - start)
        seconds = time.monotonic() - start
        words = f"{index + 1}/{len(todo)} {outcome.verdict:8} {seconds:5.1f} s"
        print(f"{words} {mutant.module}:{mutant.line} {outcome.test}", flush=True)
    return todo


def _draw_of_pages(candidates: list[Mutant], sources: Path, size: int, seed: int) -> list[Mutant]:
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


def _key(mutant: Mutant) -> tuple[str, str]:
    text = (SOURCES / mutant.module).read_bytes()
    name = f"{mutant.module} {mutant.operator} {mutant.occurrence}"
    return name, hashlib.sha256(text).hexdigest()[:16]


def change(mutant: Mutant) -> tuple[str, str]:
    """The lines that a mutant changes, before and after."""
    source = (SOURCES / mutant.module).read_text(encoding="utf-8")
    mutated = mutant.applied(source) or source
    lines = list(difflib.ndiff(source.splitlines(), mutated.splitlines()))
    old, new = ([line[2:].strip() for line in lines if line[:2] == sign] for sign in ("- ", "+ "))
    return "\n".join(old), "\n".join(new)


@cache
def looked_at() -> dict[tuple[str, str, str], dict[str, str]]:
    """What is known of survivors, by module and change."""
    entries = tomllib.loads(LOOKED_AT.read_text(encoding="utf-8"))["survivor"]
    return {(entry["module"], entry["old"], entry["new"]): entry for entry in entries}


def _say(part: str, tally: Tally) -> None:
    for mutant, known in tally.survivors:
        old, new = change(mutant)
        print(f"\n{mutant.module}:{mutant.line} {mutant.operator}\n  - {old}\n  + {new}")
        said = {"why": "equivalent: ", "test": "tested since: ", "left": "left: "}
        words = [said[key] + known[key] for key in said if key in known]
        print(f"  {words[0] if words else 'to be looked at'}")
    low, high = tally.interval
    print(
        f"{part}: {tally.found} of {tally.tried} found, {tally.equivalent} equivalent: score "
        f"{tally.score:.1%}, 95% interval {low:.1%} to {high:.1%}; {dict(tally.verdicts)}"
    )


def _write(tallies: dict[str, Tally], seed: int) -> None:
    """Write the results in the form of the benchmarks, so that the book can quote them."""
    sys.path.insert(0, str(ROOT))
    from benchmarks._common import machine

    results: dict[str, dict[str, object]] = {}
    survivors = []
    for part, tally in tallies.items():
        who = "the tests" if part == "units" else "the chapters alone"
        low, high = tally.interval
        for key, value, unit, what in (
            ("tried", tally.tried, "mutants", "small mistakes in src/hwlib, drawn at random"),
            ("found", tally.found, "mutants", f"found by {who}"),
            ("timeouts", tally.verdicts["timeout"], "mutants", "of these, by running out of time"),
            ("equivalent", tally.equivalent, "mutants", "looked at: no result depends on them"),
            ("score", tally.score, "share", f"found by {who}, of those that are not equivalent"),
            ("low", low, "share", "lower end of the score's 95% interval"),
            ("high", high, "share", "upper end of the score's 95% interval"),
        ):
            results[f"{part}_{key}"] = {"value": value, "unit": unit, "what": what}
        for one, known in tally.survivors:
            if part == "units" and not known:
                raise SystemExit(f"look at {one.module}:{one.line} first: {change(one)}")
            old, new = change(one)
            shown = {"part": part, "module": one.module, "line": one.line, "old": old, "new": new}
            survivors.append(shown | known)
    totals = json.loads((BUILD / "coverage.json").read_text(encoding="utf-8"))["totals"]
    for key, covered, there in (
        ("lines", totals["covered_lines"], totals["num_statements"]),
        ("branches", totals["covered_branches"], totals["num_branches"]),
    ):
        what = f"of {there} {key} in src/hwlib, the tests run this share"
        results[key] = {"value": covered / there, "unit": "share", "what": what}
    versions = {name: metadata.version(name) for name in ("cosmic-ray", "coverage", "pytest")}
    record = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": "make mutants",
        "seed": seed,
        "versions": {"python": platform.python_version()} | versions,
        "results": results,
        "survivors": survivors,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (ROOT / "benchmarks/results/mutants.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
