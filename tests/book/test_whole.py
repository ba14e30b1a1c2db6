"""Builds that are killed, starved of space, or two at once: the next one makes the whole site."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest
from tests.book.test_extension import CLAIMS, STRICT, Book, said
from tests.namespaces import full_then_roomy, read_only

# Put before all other code of a process: half of one file is written, and then …
HARM = """
import builtins, io, os
real = io.open
class Half:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, text):
        self.file.write(text[: len(text) // 2])
        self.file.flush()
        {then}
def harmed(file, mode="r", *args, **kwargs):
    opened = real(file, mode, *args, **kwargs)
    mine = "w" in mode and os.path.basename(str(file)).startswith({name!r})
    return Half(opened) if mine else opened
builtins.open = io.open = harmed
"""
KILLED = "os.kill(os.getpid(), 9)"
FULL = "raise OSError(28, os.strerror(28))"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(tmp_path / "book")
    book.page(CLAIMS)
    return book


def harmed(book: Book, name: str, then: str) -> list[str]:
    """A command to put before a build, so that it comes to harm at the file of that name."""
    folder = book.root.with_name("harm")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HARM.format(name=name, then=then), encoding="utf-8")
    return ["env", f"PYTHONPATH={folder}{os.pathsep}{book.root / 'src'}"]


def site(book: Book) -> dict[str, bytes]:
    folder = book.root / "_build" / "html"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_half_a_file_does_not_last(book: Book, tmp_path: Path) -> None:
    undisturbed = Book(tmp_path / "undisturbed")
    undisturbed.page(CLAIMS)
    assert undisturbed.build(*STRICT).returncode == 0
    # Each build has to make anew what came to harm in the one before.
    for name, then in [
        ("base.ipynb", KILLED),  # an executed notebook in the cache
        ("page.html", KILLED),
        ("page.html", FULL),
        ("searchindex.js", KILLED),
    ]:
        done = book.build(before=harmed(book, name, then))
        assert done.returncode == (-signal.SIGKILL if then == KILLED else 1), said(done)
    done = book.build(*STRICT)
    assert done.returncode == 0, said(done)
    found, expected = site(book), site(undisturbed)
    assert {name for name in found | expected if found.get(name) != expected.get(name)} == set()


def test_a_build_killed_while_a_cell_runs_is_taken_up_again(book: Book) -> None:
    here = book.root / "here"
    book.page(
        f"""{CLAIMS}
```{{code-cell}} python
import pathlib, time
here = pathlib.Path({str(here)!r})
if not here.exists():
    here.touch()
    time.sleep(600)
```
"""
    )
    with book.start() as process:
        while not here.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert book.build(*STRICT).returncode == 0
    assert set(book.claims()) == {"one", "small"}


def test_a_second_build_waits_for_the_first(book: Book) -> None:
    (book.root / "_build").mkdir()
    first = os.open(book.root / "_build", os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    second = book.start()
    assert second.stdout is not None
    while "waiting for another build" not in (line := second.stdout.readline()):
        assert line, "it did not wait"
    assert not (book.root / "_build" / "html" / "book").exists()
    os.close(first)
    second.communicate()
    assert second.returncode == 0
    assert set(book.claims()) == {"one", "small"}


def test_a_full_disk_is_no_site(book: Book) -> None:
    (book.root / "_build").mkdir()
    done = book.build(before=full_then_roomy(book.root / "_build", "3m"))
    assert "== 1\n" in done.stdout, "a book that did not fit was called built"
    assert "No space left on device" in done.stderr
    assert done.returncode == 0, said(done)


def test_a_home_that_cannot_be_written_to_is_not_needed(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("HWLIB_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(variable, raising=False)
    drawing = CLAIMS.replace("claim, record\n", "claim, record\nimport matplotlib.pyplot\n")
    book.page(drawing)
    done = book.build(*STRICT, before=read_only(tmp_path / "home"))
    assert done.returncode == 0, said(done)
