"""Which tests can see a mutant: those that ran its statement, by the contexts of coverage."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import coverage

BUDGET, OF_FILE = 60.0, 30.0  # seconds that the tests of a mutant, and those of one file, may take


def statement(source: str, line: int) -> tuple[range, bool]:
    """The lines of the statement at a line, its body not among them, and whether a call runs it.

    What no call runs, such as a default value, runs at the import, which belongs to no test.
    """
    lines, body, called = range(0), list(_parsed(source).body), False
    while True:
        inside = [one for one in body if _first(one) <= line <= (one.end_lineno or 0)]
        if not inside:
            return lines, called
        (node,) = inside
        blocks = [block for block in _blocks(node) if block]
        starts = [_first(one) for block in blocks for one in block]
        lines = range(_first(node), min(starts, default=(node.end_lineno or 0) + 1))
        if line in lines or not blocks:
            later = [] if called else [one for one in ast.walk(node) if isinstance(one, ast.Lambda)]
            for one in later:
                if one.lineno <= line <= (one.end_lineno or 0):
                    return range(one.lineno, (one.end_lineno or 0) + 1), True
            return lines or range(line, line + 1), called
        called = called or isinstance(node, ast.FunctionDef)
        lines, body = range(line, line + 1), [one for block in blocks for one in block]


class Selection:
    """What one measured run of the tests says: who ran which line, and for how long.

    Args:
        folder: Where ``make coverage`` left its data, and the durations.
        sources: The modules that were measured.
        patience: How many times the usual budget the tests of a mutant may take.
    """

    def __init__(self, folder: Path, sources: Path, patience: float = 1) -> None:
        self.sources = sources
        self._patience = patience
        spent = json.loads((folder / "seconds.json").read_text())
        self.seconds: dict[str, float] = {test: parts[-1] for test, parts in spent.items()}
        self._data = coverage.CoverageData(str(folder / "coverage"))
        self._data.read()
        self._of_file: dict[str, list[str]] = defaultdict(list)
        self._longest: dict[str, float] = defaultdict(float)
        for test, parts in spent.items():
            file = test.partition("::")[0]
            self._of_file[file].append(test)
            self._longest[file] = max(self._longest[file], parts[0])

    def batches(self, module: str, line: int) -> list[list[str]]:
        """The tests of a line, file by file: the shortest file first, and so in each file.

        What would go beyond the budget is left out, which can only make more mutants survive.
        """
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in sorted(self._tests(module, line), key=lambda test: self.seconds[test]):
            tests = by_file[test.partition("::")[0]]
            if not tests or self.duration([*tests, test]) <= OF_FILE * self._patience:
                tests.append(test)
        files, left = sorted(by_file.values(), key=self.duration), BUDGET * self._patience
        kept = []
        for tests in files:
            left -= self.duration(tests)
            if left >= 0 or not kept:
                kept.append(tests)
        return kept

    def duration(self, tests: list[str]) -> float:
        """Of tests of one file, with the longest wait for a fixture, which all of them may need."""
        longest = self._longest[tests[0].partition("::")[0]]
        return longest + sum(self.seconds[test] for test in tests)

    def contexts(self, module: str, line: int) -> set[str]:
        """The contexts that ran the statement at a line of a function: tests, files or pages."""
        by_line = self._by_line(module)
        lines, called = statement((self.sources / module).read_text(encoding="utf-8"), line)
        if not called:
            return set()
        return {name for one in lines for name in by_line.get(one, ()) if name}

    def _tests(self, module: str, line: int) -> set[str]:
        source = (self.sources / module).read_text(encoding="utf-8")
        if statement(source, line)[1]:
            names = self.contexts(module, line)
        else:  # it runs at the import: any test beside those that call the module may see it,
            # and so may those that call nothing, and look at what is there
            callers = self._callers(module) or {
                name
                for other in self.sources.joinpath(module).parent.glob("*.py")
                for name in self._callers(other.relative_to(self.sources).as_posix())
            }
            names = {name.partition("::")[0] + "::" for name in callers}
            names |= self.seconds.keys() - self._data.measured_contexts()
        whole = {test for name in names if name.endswith("::") for test in self._of_file[name[:-2]]}
        return (names | whole) & self.seconds.keys()

    @cache  # noqa: B019
    def _callers(self, module: str) -> set[str]:
        source = (self.sources / module).read_text(encoding="utf-8")
        return {
            name
            for line, names in self._by_line(module).items()
            if statement(source, line)[1]
            for name in names
            if name
        }

    @cache  # noqa: B019
    def _by_line(self, module: str) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for file in self._data.measured_files():
            if file.endswith("/hwlib/" + module):
                for line, names in self._data.contexts_by_lineno(file).items():
                    found[line] += names
        return found


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    """The blocks of statements of a compound statement."""
    handlers = [block for handler in getattr(node, "handlers", []) for block in [handler.body]]
    cases = [case.body for case in getattr(node, "cases", [])]
    parts = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    return [*parts, *handlers, *cases] if isinstance(node, ast.stmt) else []


def _first(node: ast.stmt) -> int:
    """The first line, that of the decorators included."""
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])
