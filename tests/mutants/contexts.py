"""A pytest plugin: coverage learns which test runs a line, and how long each test takes.

What a fixture of a wider scope runs is noted for its file, ``tests/x.py::``, as all tests of the
file may rest on it. Subprocesses carry the name of their test in ``HWLIB_TEST``, which
``pyproject.toml`` makes their context.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

SECONDS = "HWLIB_SECONDS"  # the variable that names the file of durations
_seconds: dict[str, list[float]] = {}  # of the fixtures before a test, and of all the rest


def _switch(context: str) -> str:
    measuring = coverage.Coverage.current()
    before = os.environ.get("HWLIB_TEST", "")
    if measuring is not None and context != before:
        measuring.switch_context(context)
        os.environ["HWLIB_TEST"] = context
    return before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = _switch(item.nodeid)
    try:
        return (yield)
    finally:
        _switch(before)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest
) -> Iterator[None]:
    shared = fixturedef.scope != "function"
    before = _switch(request.node.nodeid.partition("::")[0] + "::") if shared else None
    try:
        return (yield)
    finally:
        if before is not None:
            _switch(before)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    spent = _seconds.setdefault(report.nodeid, [0.0, 0.0])
    spent[report.when != "setup"] += report.duration


def pytest_sessionfinish() -> None:
    if SECONDS in os.environ:
        Path(os.environ[SECONDS]).write_text(json.dumps(_seconds, indent=1), encoding="utf-8")
