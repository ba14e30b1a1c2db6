"""Run tests against a mutant in a copy of the project, from a process that is warm already.

This process imports what takes long to import, none of it ours. Each trial is a fork of it, in
which pytest imports the mutated library anew.
"""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HEAVY = (
    "numpy scipy.linalg scipy.optimize scipy.sparse scipy.stats sklearn.linear_model "
    "sklearn.utils.estimator_checks torch torchvision.datasets dask.array dask.dataframe "
    "distributed matplotlib.pyplot hypothesis.extra.numpy cvxpy mpmath sympy zarr nbconvert"
)
PARTS = ("src", "tests", "book", "benchmarks")
_seconds = itertools.count(int(time.time()))
GRACE, FACTOR = 20.0, 2.0  # a trial may take 20 s, and twice what its tests took under coverage


def warm(copy: Path) -> None:
    """Import what is not ours, and lead all imports of ours to a copy."""
    os.environ.update(
        MPLBACKEND="agg", PYTHONPATH=str(copy / "src"), HYPOTHESIS_STORAGE_DIRECTORY=str(copy / "h")
    )
    sys.path.insert(0, str(copy / "src"))
    for name in HEAVY.split():
        importlib.import_module(name)


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of the project, deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="hwlib-mutants-") as folder:
        copy = Path(folder)
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / part, copy / part, ignore=ignored)
        for file in (*root.glob("*.*"), root / "Makefile", root / "LICENSE"):
            if file.is_file():
                shutil.copy(file, copy)
        yield copy


@contextmanager
def planted(file: Path, mutated: str) -> Iterator[None]:
    """Put a mutated text into a file, and the old one back at the end."""
    original = file.read_text(encoding="utf-8")
    _write(file, mutated)
    try:
        yield
    finally:
        _write(file, original)


def _write(file: Path, text: str) -> None:
    """Write a file at a second of its own: compiled files are told by it and by the size."""
    file.write_text(text, encoding="utf-8")
    second = next(_seconds)
    os.utime(file, (second, second))


@dataclass(frozen=True)
class Outcome:
    """What the tests of one file said: ``passed``, ``failed`` or ``timeout``, and by which test.

    Where the file could not even be collected, no test is named.
    """

    verdict: str
    test: str = ""


def trial(copy: Path, tests: list[str], seconds: float) -> Outcome:
    """Run tests of one file in a fork, the first failure being the last test."""
    note = copy / "failed"
    note.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _run(copy, tests, note)
        except BaseException:
            (copy / "log").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    left = GRACE + FACTOR * seconds
    while left > 0:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended and os.waitstatus_to_exitcode(status) == 0:
            return Outcome("passed")
        if ended:
            return Outcome("failed", note.read_text() if note.exists() else "")
        before = time.monotonic()
        time.sleep(0.01)
        left -= min(time.monotonic() - before, 1.0)  # this process may have been stopped, too
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome("timeout")


def _run(copy: Path, tests: list[str], note: Path) -> int:
    os.setsid()  # with a group of its own, all that it starts can be ended with it
    os.chdir(copy)
    out = os.open(copy / "log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Plugins that something of HEAVY imported.
    options += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*options, tests[0].partition("::")[0]], plugins=[_Only(tests, note)])
    sys.stdout.flush()
    return int(code)


class _Only:
    """Keeps the named tests, in their order; all of them where a mutant changed the names."""

    def __init__(self, tests: list[str], note: Path) -> None:
        self._order = {test: index for index, test in enumerate(tests)}
        self._note = note

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if item.nodeid in self._order]
        items[:] = sorted(kept, key=lambda item: self._order[item.nodeid]) or items

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._note.write_text(report.nodeid)
