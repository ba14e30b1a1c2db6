"""Mutation testing: how many small mistakes in ``src/hwlib`` the tests find, and how many the book.

``run.py units`` draws a stratified random sample of cosmic-ray's mutants and runs, for each, the
tests that execute its statement. ``run.py book`` draws from the code by which chapters compute, and
runs the chapters' cells alone. Both go on where they were stopped, and list the survivors.
``run.py report`` writes ``benchmarks/results``, once the samples were tried as a whole and all
survivors of the units were looked at.

The score is the share that is found of those that are not equivalent, with its 95% interval
(Clopper and Pearson). A mutant on which time runs out counts as found: the test suite stops there,
too. One in a statement that no test executes counts as a survivor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import chapters
from outcomes import BUILD, FOUND, ROOT, SOURCES, Tally, Trials, change, looked_at, tally, write
from sampling import Mutant, modules, mutants, sample
from selection import Selection
from trial import Outcome, copied, planted, trial, warm

HERE = Path(__file__).parent
SEED = 20261127
SIZES = {"units": 320, "book": 60}
MOST_WRONG = 20  # tests that fail in a copy before something else must be wrong
PATIENT = 4  # times as long for the tests of a mutant that survived before


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
            todo = [one for one in chosen if _open(one, trials.known(one), given.again)]
            until = time.monotonic() + 60 * given.minutes
            if part == "book":
                _each(todo, trials, until, chapters.attempt())
            else:
                _units(todo, trials, until, PATIENT if given.again else 1)
        elif left := sum(trials.known(one) is None for one in chosen):
            raise SystemExit(f"{left} of them were not tried: run.py {part}")
        tallies[part] = tally(chosen, trials)
        _say(part, tallies[part])
    if given.part == "report":
        write(tallies, given.seed)
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
        draw = chapters.draw if part == "book" else sample
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


if __name__ == "__main__":
    sys.exit(main())
