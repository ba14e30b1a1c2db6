"""``hwlib train``: what it writes, prints, refuses, and goes on with."""

from __future__ import annotations

import csv
import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.mlp.data import ordinary_user, same_bits
from tests.namespaces import full_then_roomy

from hwlib import datasets, mlp
from hwlib._cli import main

ROOT = Path(__file__).resolve().parents[2]
SHORT = mlp.Recipe(epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture(autouse=True)
def short_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwlib.mlp._recipes.RECIPES", {"quick": SHORT})


def command(folder: Path, *more: str) -> int:
    return main(["train", "--dataset", "digits", "--output", str(folder), *more])


def test_it_writes_network_and_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "run"
    assert command(folder, "--seed", "3", "--device", "cpu") == 0
    out = capsys.readouterr().out
    assert sorted(file.name for file in folder.iterdir()) == [
        "checkpoint.pt", "history.csv", "network.pt",
    ]  # fmt: skip
    network, data = mlp.build(seed=3), datasets.load("digits")
    history = mlp.train(network, data, SHORT, seed=3, device="cpu")
    assert same_bits(mlp.load(folder / "network.pt"), network)
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    for field in dataclasses.fields(history):
        found = [float(row[field.name]) for row in rows]
        np.testing.assert_array_equal(found, getattr(history, field.name))
    assert f"test accuracy {history.test_accuracy[-1]:.2%}, 2 epochs of quick, seed 3" in out


def test_it_says_how_many_epochs_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    once = dataclasses.replace(SHORT, epochs=1)
    monkeypatch.setattr("hwlib.mlp._recipes.RECIPES", {"quick": once})
    assert command(tmp_path) == 0
    assert ", 1 epochs of quick, seed 0\n" in capsys.readouterr().out


def test_it_goes_on_only_if_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path) == 0
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    capsys.readouterr()
    assert command(tmp_path) == 1
    assert "already holds checkpoint.pt, network.pt, history.csv: go on with --resume" in (
        capsys.readouterr().err
    )
    assert command(tmp_path, "--resume") == 0
    assert command(tmp_path, "--resume", "--seed", "1") == 1
    assert "belongs to another training" in capsys.readouterr().err
    network = mlp.load(tmp_path / "network.pt")
    (tmp_path / "other").mkdir()
    assert command(tmp_path / "other", "--resume") == 0
    assert same_bits(mlp.load(tmp_path / "other" / "network.pt"), network)
    assert (tmp_path / "history.csv").read_bytes() == before["history.csv"]


@pytest.mark.parametrize("name", ["network.pt", "history.csv"])
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_what_no_checkpoint_belongs_to_is_not_replaced(
    name: str, resume: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert command(tmp_path, *resume) == 1
    message = capsys.readouterr().err
    assert f"already holds {name}: " in message
    assert ("there is no checkpoint.pt to go on from" in message) == bool(resume)
    assert (tmp_path / name).read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_halves_that_a_kill_left_are_removed(tmp_path: Path) -> None:
    for name in ("checkpoint.pt", "network.pt", "history.csv"):
        (tmp_path / f".{name}.{'0a' * 16}.tmp").write_bytes(b"half")
    assert command(tmp_path) == 0
    assert not list(tmp_path.glob(".*"))


# Trains by SHORT in processes of its own, which are quick to make from one that has torch.
PROCESSES = """
import itertools, os, sys
from pathlib import Path
import sklearn.datasets, torch._dynamo
from hwlib._cli import main
from hwlib.mlp import _recipes
from tests.mlp.test_command import SHORT
_recipes.RECIPES = {"quick": SHORT}
whole, root = Path.replace, Path(sys.argv[1])
def start(folder, number, act, *options):
    pid = os.fork()
    if pid:
        return pid
    count = itertools.count()
    def replace(file, target):
        if next(count) == number:
            act()
        return whole(file, target)
    Path.replace = replace
    os._exit(main(["train", "--dataset", "digits", "--output", str(root / folder), *options]))
def end(pid):
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
KILLED = """
for number in range(6):
    end(start(f"run{number}", number, lambda: os.kill(os.getpid(), 9)))
    end(start(f"run{number}", None, None, "--resume"))
"""
TWO = """
(to_us, to_first), (from_us, from_first) = os.pipe(), os.pipe()
def pause():
    os.write(to_first, b".")
    os.read(from_us, 1)
first = start("run", 1, pause)
os.read(to_us, 1)
end(start("run", None, None))
end(start("run", None, None, "--resume", "--seed", "1"))
os.write(from_first, b".")
end(first)
"""


def processes(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROCESSES + code, str(root)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def results(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_killed_before_any_of_its_files_has_its_name_it_goes_on(tmp_path: Path) -> None:
    done = processes(KILLED, tmp_path)
    # Three checkpoints, the network, the history; the sixth time there is nothing left to kill.
    killed, again = [str(-signal.SIGKILL)] * 5 + ["0"], ["0"] * 6
    lines = [line for line in done.stdout.splitlines() if "test accuracy" not in line]
    assert [lines[::2], lines[1::2]] == [killed, again], done.stderr
    assert command(tmp_path / "whole") == 0
    for number in range(6):
        assert results(tmp_path / f"run{number}") == results(tmp_path / "whole")


def test_a_second_one_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    done = processes(TWO, tmp_path)
    lines = [line for line in done.stdout.splitlines() if "test accuracy" not in line]
    assert lines == ["1", "1", "0"]
    assert done.stderr.count("another process trains in this folder: wait for it, or") == 1
    assert done.stderr.count("already holds checkpoint.pt: go on with --resume, or") == 1
    assert command(tmp_path / "whole") == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_full_disk_stops_it_in_one_line_and_it_goes_on_once_there_is_room(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    run = [sys.executable, "-m", "hwlib", "train", "--dataset", "digits", "--recipe", "quick"]
    # There is room for the checkpoint alone, not for the next one beside it.
    disk = full_then_roomy(folder, "1500k")
    command = [*disk, *run, "--resume", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "== 1\n" in done.stdout
    assert "an older file is unchanged: No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == 0


def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: str, folder: Path = tmp_path / "run") -> str:
        assert command(folder, *arguments) == 1
        message = capsys.readouterr().err
        assert message.startswith("hwlib: ")
        assert message.count("\n") == 1
        return message

    assert "no recipe 'quik': take one of ['quick']" in refused("--recipe", "quik")
    assert "device 'gpu' cannot be used here" in refused("--device", "gpu")
    (tmp_path / "file").write_text("")
    assert "file" in refused(folder=tmp_path / "file")
    with ordinary_user(tmp_path):
        assert "Permission denied" in refused(folder=tmp_path / "locked")
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("hwlib.mlp")]:
        monkeypatch.delitem(sys.modules, name)
    import hwlib

    monkeypatch.delattr(hwlib, "mlp", raising=False)
    assert 'pip install "hwlib[torch]"' in refused()


def test_pictures_that_are_not_here_are_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = datasets.load("digits")
    missing = dataclasses.replace(digits, requested="mnist")
    monkeypatch.setattr(datasets, "load", lambda _: missing)
    assert main(["train", "--dataset", "mnist", "--output", str(tmp_path / "run")]) == 1
    assert "archives of mnist are not here" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", ["-1", "0.5", "x", str(2**63)])
def test_seeds(seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(tmp_path, "--seed", seed)
    assert stopped.value.code == 2
    assert "is not an integer from 0" in capsys.readouterr().err


def test_help_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from hwlib._cli import main; "
    code += "main(['train', '-h'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--resume" in done.stdout
