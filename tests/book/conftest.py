"""What the tests of the built site share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.book.browser import REMEDY, find_chromium, launched, served, site_folder


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site."""
    folder = site_folder()
    if not folder.is_dir():
        pytest.fail("build the site first: make book")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser; where there is none the tests skip, but not where all must run."""
    executable = find_chromium()
    if executable is None and os.environ.get("CI") == "true":
        pytest.fail(REMEDY)
    if executable is None:
        pytest.skip(REMEDY)
    with launched(executable) as browser:
        yield browser


@pytest.fixture(scope="module")
def origin(site: Path) -> Iterator[str]:
    """The address at which the built site is served."""
    with served(site) as address:
        yield address
