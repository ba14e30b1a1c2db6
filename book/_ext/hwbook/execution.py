"""How chapters are executed: a cache that knows the library, and a kernel that keeps quiet.

jupyter-cache re-executes a page when its own cells change. The numbers of this book also depend
on the library, the lock file, the benchmark results, the kernels' settings and the data, so the
cache lives in a folder that is named by a digest of all of them. The folder is an "env" value of
Sphinx: when it changes, every page is read again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from hwlib import datasets

KEPT = 4  # so that switching between a few branches re-executes nothing


def setup(app: Sphinx) -> None:
    """Set the cache folder and the kernels' environment before anything is read."""
    app.connect("config-inited", _prepare)


def cache_key(root: Path) -> str:
    """A digest of everything outside a page that its numbers depend on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in sorted(_sources(root)):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    for name in datasets.ARCHIVES:
        digest.update(f"\0{name} {'here' if datasets.find(name) else 'missing'}".encode())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    for suffix in ("py", "md"):
        yield from (root / "src").rglob(f"*.{suffix}")
    yield from (root / "benchmarks" / "results").glob("*.json")
    yield root / "book" / "_ext" / "hwbook" / "execution.py"  # it sets up the kernels
    yield from (root / "requirements.lock", root / "pyproject.toml")


def _prepare(app: Sphinx, config: Config) -> None:
    _get_data()
    root = Path(app.srcdir)
    build = Path(app.outdir).parent
    caches = build / ".jupyter_cache"
    cache = caches / cache_key(root)
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    config.nb_execution_cache_path = str(cache)
    _prune(caches)
    _quiet_kernels(build / ".ipython")
    _one_thread()
    # Two pages need one trained network, and one training takes a quarter of the build's time. It
    # is kept with the results of the cells: for the same library, lock and data.
    os.environ["HWLIB_CHECKPOINT"] = str(cache / "homework.checkpoint")


def _get_data() -> None:
    """Download what is missing before any cell asks for it, where the progress can be seen.

    Raises:
        ExtensionError: An archive is broken, or missing while ``HWLIB_REQUIRE_DATA=1``.
    """
    for name in datasets.ARCHIVES:
        try:
            datasets.find(name) or datasets.fetch(name)
        except datasets.UnavailableError as error:
            if os.environ.get("HWLIB_REQUIRE_DATA") == "1":
                raise ExtensionError(str(error)) from error
            return  # one wait for a network that is not there is enough
        except datasets.DataError as error:
            raise ExtensionError(str(error)) from error


def _prune(caches: Path) -> None:
    newest_first = sorted(
        (path for path in caches.iterdir() if path.is_dir()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for old in newest_first[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _quiet_kernels(folder: Path) -> None:
    """Keep out of the pages what is no part of a cell's result.

    A line on stderr stops a strict build, and some such lines are about the machine alone: the
    kernel's notice about its transport, matplotlib's about its first look at the fonts, torch's
    about its own use of what it deprecates, with the path of its file, and the data sets' about
    their fallback, which the pages state in a box of their own.
    """
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        'c = get_config()\nc.IPKernelApp.log_level = "ERROR"\nc.HistoryManager.enabled = False\n',
        encoding="utf-8",
    )
    os.environ["IPYTHONDIR"] = str(folder)
    os.environ["PYTHONWARNINGS"] = "ignore:Built without,ignore:`torch.jit.script` is deprecated"
    import matplotlib.font_manager  # noqa: F401


def _one_thread() -> None:
    """Add up sums in the same order on every machine, however many cores it has.

    It costs nothing here: the networks are small, and threads that wait for one another on a
    busy machine take many times as long as one thread alone.
    """
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
