"""No file that hwlib reads is executed, and none writes anywhere but where it is told to."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from hwlib import mlp
from hwlib.backprop import Network
from hwlib.datasets import Archive
from hwlib.datasets._unpacking import read, store

SOURCES = Path(__file__).resolve().parents[1] / "src"
EXECUTING = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNPACKING = {"extract", "extractall", "tarfile", "unpack_archive"}
# What runs the code in a file unless it is told not to, and the words that tell it.
SAFE = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
OUTSIDE = ["/absolute", "../beside", "a/../../beside", "..\\beside", "C:\\beside"]


def dangers(code: str) -> Iterator[str]:
    """What in the code of a module could execute a file, or unpack one by its own names."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
            yield from names & (EXECUTING | UNPACKING)
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
            yield from names & (EXECUTING | UNPACKING)
            yield from {f"{node.module}.{alias.name}" for alias in node.names} & SAFE.keys()
        elif isinstance(node, ast.Attribute) and node.attr in UNPACKING | {"read_pickle"}:
            yield node.attr
        elif isinstance(node, ast.Call):
            yield from unsafe_call(node)


def unsafe_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in ("eval", "exec"):
        yield called
    if called.endswith("import_module") or called == "__import__":
        names = {str(getattr(word, "value", "")).partition(".")[0] for word in node.args}
        yield from names & (EXECUTING | UNPACKING)
    needed = SAFE.get(called)
    given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    if needed and given.get(needed[0]) is not needed[1]:
        yield called


def test_the_library_holds_nothing_that_executes_or_unpacks_files() -> None:
    found = {
        str(path.relative_to(SOURCES)): names
        for path in sorted(SOURCES.rglob("*.py"))
        if (names := list(dangers(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.memory",
        "from shutil import unpack_archive",
        "import tarfile",
        "archive.extractall(folder)",
        "pandas.read_pickle(path)",
        "importlib.import_module('pickle')",
        "__import__('joblib.memory')",
        "torch.load(path)",
        "from torch import load",
        "numpy.load(path)",
        "from numpy import load as read",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=given)",
        "eval(text)",
    ],
)
def test_what_is_dangerous_is_found(code: str) -> None:
    assert list(dangers(code))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with nothing in it or beside it."""
    folder = tmp_path / "root" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.rglob("*") if not path.is_dir())


def repacked(original: bytes, change: Callable[[zipfile.ZipInfo], bytes | None]) -> bytes:
    """An archive with other names or kinds of entries; ``change`` may return other contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            contents = old.read(entry)
            new.writestr(entry, change(entry) or contents)
    return buffer.getvalue()


def networks(folder: Path) -> list[tuple[Path, Callable[[Path], object]]]:
    Network((4, 3)).save(folder / "network.npz")
    mlp.save(mlp.build((4, 3)), folder / "network.pt")
    return [(folder / "network.npz", Network.load), (folder / "network.pt", mlp.load)]


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_archive_that_names_files_elsewhere_writes_none(name: str, folder: Path) -> None:
    def rename(entry: zipfile.ZipInfo) -> None:
        entry.filename = f"{name}/{entry.filename}"

    for path, load in networks(folder):
        path.write_bytes(repacked(path.read_bytes(), rename))
        with pytest.raises(ValueError, match="is not a network saved by"):
            load(path)
    assert files(folder) == ["network.npz", "network.pt"]
    assert not Path("/absolute").exists()


def test_an_archive_of_links_makes_none(folder: Path) -> None:
    def link(entry: zipfile.ZipInfo) -> bytes:
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        return b"/etc/hostname"

    for path, load in networks(folder):
        path.write_bytes(repacked(path.read_bytes(), link))
        with pytest.raises(ValueError, match="is not a network saved by"):
            load(path)
    assert files(folder) == ["network.npz", "network.pt"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_the_name_that_a_gzip_file_gives_itself_is_not_used(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWLIB_CACHE", str(folder / "cache"))
    buffer = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=buffer) as file:
        file.write(b"\0\0\x08\x01\0\0\0\x02ab")
    # GzipFile itself writes only the last part of a name.
    packed = buffer.getvalue().replace(name.rpartition("/")[2].encode(), name.encode(), 1)
    assert name.encode() in packed
    (folder / "labels.gz").write_bytes(packed)
    md5 = hashlib.md5(packed).hexdigest()
    array = read(folder / "labels.gz", Archive("labels.gz", md5, len(packed), (2,)))
    assert array.tolist() == [97, 98]
    assert files(folder) == [f"{md5}.idx", "labels.gz"]


def test_a_link_in_the_cache_is_replaced_and_not_followed(folder: Path) -> None:
    (folder / "precious").write_bytes(b"kept")
    (folder / "copy.idx").symlink_to(folder / "precious")
    store(folder / "copy.idx", b"data")
    assert (folder / "precious").read_bytes() == b"kept"
    assert (folder / "copy.idx").read_bytes() == b"data"
    assert not (folder / "copy.idx").is_symlink()


def test_an_array_of_objects_is_refused(folder: Path) -> None:
    class Payload:
        def __reduce__(self) -> object:
            return os.mkdir, ("trace",)

    np.savez(folder / "network.npz", format=np.array([Payload()], object))
    torch.save(torch.nn.Linear(2, 2), folder / "network.pt")
    for name, load in (("network.npz", Network.load), ("network.pt", mlp.load)):
        with pytest.raises(ValueError, match="is not a network saved by"):
            load(folder / name)
    assert not (folder / "trace").exists()
    np.load(folder / "network.npz", allow_pickle=True)["format"]
    assert (folder / "trace").exists(), "the payload does nothing, so the test proves nothing"
