"""The command ``hwlib homework``: what it writes, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from hwlib._cli import main
from hwlib.homework import _editions
from hwlib.homework._problems import PROBLEMS

FILES = [f"{problem.name}.ipynb" for problem in PROBLEMS]


def test_it_writes_the_student_edition_and_names_the_files(tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    assert main(["homework", "--edition", "student", "--output", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(folder / name) for name in FILES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_it_lays_out_a_course(tmp_path, capsys):
    course = tmp_path / "course"
    assert main(["homework", "--course", str(course)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    for problem in PROBLEMS:
        path = course / "source" / problem.name / f"{problem.name}.ipynb"
        assert "### BEGIN SOLUTION" in path.read_text(encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
    compile((course / "nbgrader_config.py").read_text(encoding="utf-8"), "config", "exec")


def test_a_course_that_is_there_is_left_alone(tmp_path, capsys):
    (tmp_path / "source").mkdir()
    assert main(["homework", "--course", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"hwlib: {tmp_path / 'source'} is there already, and nothing was written")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("moment", ["hwlib.homework._course.save", "pathlib.Path.rename"])
def test_a_course_that_was_killed_is_laid_out_anew(tmp_path, moment):
    module, _, name = moment.rpartition(".")
    owner = f"pkgutil.resolve_name({module!r})"
    code = (
        "import os, pkgutil, sys\n"
        "from hwlib._cli import main\n"
        f"setattr({owner}, {name!r}, lambda *_: os.kill(os.getpid(), 9))\n"
        "main(['homework', '--course', sys.argv[1]])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "source").exists()
    assert main(["homework", "--course", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"nbgrader_config.py", "source"}
    assert len(list((tmp_path / "source").rglob("*.ipynb"))) == len(PROBLEMS)


def test_settings_that_are_there_are_left_alone(tmp_path, capsys):
    (tmp_path / "nbgrader_config.py").write_text("mine")
    assert main(["homework", "--course", str(tmp_path)]) == 1
    assert "nbgrader_config.py is there already, and nothing was written" in capsys.readouterr().err
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["nbgrader_config.py"]


@pytest.mark.parametrize("arguments", [["--edition", "student", "--output"], ["--course"]])
def test_a_file_in_the_way_is_one_line(tmp_path, capsys, arguments):
    (tmp_path / "file").write_text("")
    assert main(["homework", *arguments, str(tmp_path / "file")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("hwlib: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --edition and --output, or --course"),
        (["--edition", "student"], "give --edition and --output, or --course"),
        (["--output", "x"], "give --edition and --output, or --course"),
        (["--course", "x", "--edition", "student"], "--course takes neither"),
        (["--course", "x", "--output", "y"], "--course takes neither"),
        (["--edition", "teacher", "--output", "x"], "invalid choice: 'teacher'"),
        (["student"], "unrecognized arguments: student"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        main(["homework", *arguments])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "edition", "extra"),
    [
        ("jupytext", "student", "homework"),
        ("nbconvert", "student", "homework"),
        ("torch", "solution", "torch"),
    ],
)
def test_a_missing_package_names_its_extra(tmp_path, monkeypatch, capsys, missing, edition, extra):
    if missing == "torch":
        torch_only = tuple(problem for problem in PROBLEMS if problem.needs_torch)
        monkeypatch.setattr(_editions, "PROBLEMS", torch_only)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["homework", "--edition", edition, "--output", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert f'pip install "hwlib[{extra}]"' in err
    assert err.count("\n") == 1
