"""The command ``hwlib``: what it prints and its exit status."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hwlib
from hwlib import datasets
from hwlib._cli import main
from hwlib.datasets import ARCHIVES, Archive, Collection

SHAPES = ((60, 28, 28), (60,), (9, 28, 28), (9,))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """HWLIB_DATA with one data set of two, its archives small and of known MD5."""
    folder = tmp_path / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    archives = []
    for real, shape in zip(ARCHIVES["mnist"].archives, SHAPES, strict=True):
        data = gzip.compress(real.file.encode())
        (folder / real.file).write_bytes(data)
        archives.append(Archive(real.file, hashlib.md5(data).hexdigest(), len(data), shape))
    collection = Collection("MNIST", "MNIST", tuple("0123456789"), tuple(archives))
    monkeypatch.setitem(ARCHIVES, "mnist", collection)
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "cache"))
    return folder


def one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text


@pytest.mark.parametrize("arguments", [["data"], ["data", "list"]])
def test_list_says_what_is_where(folder, capsys, arguments):
    assert main(arguments) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["name", "images", "where", "state"]
    assert [row.split() for row in rows] == [
        ["fashion-mnist", "70,000", "not", "here", "-"],
        ["mnist", "69", str(folder), "verified"],
        ["digits", "1,797", "scikit-learn", "-"],
    ]


def test_list_counts_the_digits_rightly():
    data = datasets.load("digits")
    assert len(data.train_labels) + len(data.test_labels) == 1797


def test_list_says_what_is_broken(folder, capsys):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert main(["data", "list"]) == 0
    assert f"{folder}  broken: see hwlib data verify" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_verify_passes_what_is_intact(capsys):
    assert main(["data", "verify", "mnist"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"mnist  {archive.file}  ok" for archive in ARCHIVES["mnist"].archives]


@pytest.mark.usefixtures("folder")
def test_verify_fails_for_what_is_not_here(capsys):
    assert main(["data", "verify"]) == 1
    out = capsys.readouterr().out
    assert out.count("not here") == 4
    assert out.count("ok") == 4


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("content", [b"broken", None])
def test_verify_fails_for_each_archive_that_is_broken_or_missing(folder, capsys, index, content):
    path = folder / ARCHIVES["mnist"].archives[index].file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert main(["data", "verify", "mnist"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [not line.endswith("ok") for line in lines] == [i == index for i in range(4)]
    assert ("its MD5 is" if content else "is missing") in lines[index]


def test_fetch_checks_what_is_here(folder, capsys):
    assert main(["data", "fetch", "mnist"]) == 0
    assert capsys.readouterr().out == f"mnist: all archives verified in {folder}\n"


def test_fetch_names_all_by_default(monkeypatch, capsys):
    monkeypatch.setattr(datasets, "fetch", lambda name: f"<{name}>")
    assert main(["data", "fetch"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [f"{name}: all archives verified in <{name}>" for name in ARCHIVES]


def test_an_error_is_one_line(folder, capsys):
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    assert main(["data", "fetch", "mnist"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert one_line(printed.err).startswith(f"hwlib: {folder}")


def test_a_failed_download_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("HWLIB_DATA", raising=False)
    monkeypatch.setenv("HWLIB_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert main(["data", "fetch", "mnist"]) == 1
    assert 'pip install "hwlib[torch]"' in one_line(capsys.readouterr().err)


def test_a_bad_setting_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("HWLIB_DATA", "relative")
    assert main(["data"]) == 1
    assert "HWLIB_DATA='relative' is a relative path" in one_line(capsys.readouterr().err)


def test_an_interruption_is_one_line(monkeypatch, capsys):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "fetch", interrupt)
    assert main(["data", "fetch"]) == 130
    assert one_line(capsys.readouterr().err) == "hwlib: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["nothing"], "invalid choice: 'nothing'"),
        (["data", "nothing"], "invalid choice: 'nothing'"),
        (["data", "verify", "digits"], "'digits' is none of fashion-mnist, mnist"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def run_module(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hwlib", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | variables)


def test_the_module_runs_the_command(tmp_path):
    done = run_module("--version")
    assert (done.returncode, done.stdout) == (0, f"hwlib {hwlib.__version__}\n")
    failed = run_module("data", HWLIB_DATA=str(tmp_path / "gone"))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert one_line(failed.stderr).startswith("hwlib: HWLIB_DATA=")
