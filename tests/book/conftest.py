"""What the tests of the built site share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.book.browser import site_folder


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site."""
    folder = site_folder()
    if not folder.is_dir():
        pytest.fail("build the site first: make book")
    return folder
