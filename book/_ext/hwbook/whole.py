"""What a killed build, a full disk or a second build leaves is not taken for a book.

Sphinx takes a page that is newer than its source for done, also half a page, and only warns when
it cannot write one. jupyter-cache notes an executed notebook first and writes it then. And both
expect to be alone.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.cache.db import NbCacheRecord, OrmBase
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging as sphinx_logging

from hwlib._files import hold

logger = sphinx_logging.getLogger(__name__)

MARK = ".unfinished"  # in the site's folder while pages are written
BEFORE_OTHERS = 100
AFTER_OTHERS = 990


def setup(app: Sphinx) -> None:
    """Wait for others, clear away what is not whole, and mark the site until it is."""
    app.connect("config-inited", _take_turns, priority=BEFORE_OTHERS)
    app.connect("config-inited", _forget_halves, priority=AFTER_OTHERS)
    app.connect("write-started", lambda app, _: _mark(app).touch())
    failed = _Failed()
    logging.getLogger("sphinx").addHandler(failed)
    app.connect("build-finished", failed.check, priority=BEFORE_OTHERS)
    app.connect("build-finished", _unmark, priority=AFTER_OTHERS)


class _Failed(logging.Handler):
    """Remembers what could not be written."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look for an error of the system in a message."""
        if any(isinstance(part, OSError) for part in record.args or ()):
            self.errors.append(record.getMessage())

    def check(self, app: Sphinx, exception: Exception | None) -> None:
        """Stop the build.

        Raises:
            ExtensionError: Something could not be written.
        """
        if exception is None and self.errors:
            raise ExtensionError(f"the site is not complete: {'; '.join(self.errors)}")


def _mark(app: Sphinx) -> Path:
    return Path(app.outdir, MARK)


def _take_turns(app: Sphinx, config: Config) -> None:
    """Wait until no other build is at work, and drop a site that it did not finish."""
    build = Path(app.outdir).parent
    handle = os.open(build, os.O_RDONLY)  # until this process ends
    try:
        hold(handle)
    except BlockingIOError:
        logger.info("waiting for another build in %s", build)
        hold(handle, wait=True)
    if _mark(app).exists():
        shutil.rmtree(app.outdir)
        Path(app.outdir).mkdir()


def _forget_halves(app: Sphinx, config: Config) -> None:
    cache = get_cache(config.nb_execution_cache_path)
    OrmBase.metadata.create_all(cache.db)  # some tables may be missing
    for record in cache.list_cache_records():
        try:
            cache.get_cache_bundle(record.pk)
        except (KeyError, ValueError):  # there is no file, or half a file
            NbCacheRecord.remove_records([record.pk], cache.db)


def _unmark(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        _mark(app).unlink(missing_ok=True)
