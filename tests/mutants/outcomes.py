"""What came of mutants: kept from call to call, counted, and written down.

Survivors that were looked at stand in ``survivors.toml``: equivalent, with the reason why no result
depends on the change, tested since, with the test, or left, with the reason.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import platform
import sys
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from sampling import Mutant
from scipy.stats import binomtest
from trial import Outcome

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "hwlib"
BUILD = ROOT / ".mutants"
LOOKED_AT = Path(__file__).parent / "survivors.toml"
FOUND = {"failed", "timeout"}


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


def write(tallies: dict[str, Tally], seed: int) -> None:
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
