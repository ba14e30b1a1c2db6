"""Trainings that are stopped, killed, starved of space, and go on."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import PLAIN, SMALL, clusters, ordinary_user, same_bits, small_files_only

from hwlib import mlp

TAUGHT = mlp.Recipe(
    epochs=4,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.9,
    optimizer="muon",
    weight_decay=0.01,
    one_cycle=True,
    flips=True,
    shifts=1,
    teacher=mlp.Recipe(
        epochs=3, batch_size=64, learning_rate=0.01, optimizer="adamw", one_cycle=True, flips=True
    ),
    temperature=2.0,
)


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """A training is interrupted."""


def train(recipe: mlp.Recipe, checkpoint: Path | None, **kwargs: Any) -> Any:
    network = mlp.build(SMALL)
    history = mlp.train(network, clusters(), recipe, checkpoint=checkpoint, **kwargs)
    return network, history


def same_history(one: mlp.History, other: mlp.History) -> bool:
    names = [field.name for field in dataclasses.fields(mlp.History)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def reshaped(data: Any, height: int, width: int) -> Any:
    """The same pixels with other neighbours."""
    data.train_images = data.train_images.reshape(-1, height, width)
    return data


@pytest.mark.parametrize("recipe", [PLAIN, dataclasses.replace(PLAIN, momentum=0.9), TAUGHT])
def test_a_checkpoint_changes_nothing(recipe: mlp.Recipe, tmp_path: Path) -> None:
    network, history = train(recipe, None)
    kept, kept_history = train(recipe, tmp_path / "run.pt")
    assert same_bits(network, kept)
    assert same_history(history, kept_history)


@pytest.mark.parametrize("recipe", [PLAIN, dataclasses.replace(PLAIN, momentum=0.9), TAUGHT])
def test_a_training_stopped_after_any_write_goes_on_to_the_same_bits(
    recipe: mlp.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hwlib.mlp._checkpoints import Checkpoint

    network, history = train(recipe, None)
    write, written = Checkpoint.write, 0

    def write_once(self: Checkpoint, state: Any) -> None:
        nonlocal written
        if written:
            raise Stopped
        write(self, state)
        written += 1

    monkeypatch.setattr(Checkpoint, "write", write_once)
    runs = 0
    while True:
        runs, written = runs + 1, 0
        try:
            resumed, resumed_history = train(recipe, tmp_path / "run.pt")
        except Stopped:
            continue
        break
    # Each run adds one write: the start, every epoch, and what the teacher says.
    assert runs == recipe.epochs + 1 + (recipe.teacher.epochs + 1 if recipe.teacher else 0)
    assert same_bits(network, resumed)
    assert same_history(history, resumed_history)


RUN = """
import sys
from tests.mlp.test_checkpoints import TAUGHT, train
from pathlib import Path
from hwlib import mlp
print("ready", flush=True)
network, _ = train(TAUGHT, Path(sys.argv[1]))
mlp.save(network, sys.argv[2])
"""


def test_kill_9_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    network, _ = train(TAUGHT, None)
    root = Path(__file__).parents[2]
    rng = np.random.default_rng()  # other moments in each run of the test
    result = tmp_path / "network.pt"
    environment = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    command = [sys.executable, "-c", RUN, str(tmp_path / "run.pt"), str(result)]
    ends = []
    while not result.exists():
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if len(ends) < 6:
            time.sleep(rng.uniform(0, 0.4))
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
        ends.append(process.returncode)
    assert set(ends) == {0, -signal.SIGKILL}
    assert same_bits(mlp.load(result), network)
    train(TAUGHT, tmp_path / "run.pt")
    # Halves of files that a kill left are gone with the next run.
    left = {file.name for file in tmp_path.iterdir() if not file.name.startswith(".network")}
    assert left == {"run.pt", "run.pt.teacher", "network.pt"}


def test_what_was_trained_to_the_end_is_read_back(tmp_path: Path) -> None:
    network, history = train(TAUGHT, tmp_path / "run.pt")
    (tmp_path / "run.pt.teacher").unlink()
    again, again_history = train(TAUGHT, tmp_path / "run.pt")
    assert same_bits(network, again)
    assert same_history(history, again_history)
    assert not (tmp_path / "run.pt.teacher").exists()


@pytest.mark.parametrize(
    "other",
    [
        {"recipe": dataclasses.replace(PLAIN, learning_rate=0.2)},
        {"seed": 1},
        {"network": mlp.build(SMALL, seed=1)},
        {"data": clusters(seed=1)},
        {"data": reshaped(clusters(), 2, 8)},
    ],
)
def test_another_training_is_told_apart(other: dict[str, Any], tmp_path: Path) -> None:
    train(PLAIN, tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    given = {"network": mlp.build(SMALL), "data": clusters(), "recipe": PLAIN, "seed": 0} | other
    with pytest.raises(ValueError, match=r"run\.pt belongs to another training.*name another"):
        mlp.train(**given, checkpoint=tmp_path / "run.pt")
    assert (tmp_path / "run.pt").read_bytes() == before


@pytest.mark.parametrize(
    "other", [{"network": mlp.build((16, 5))}, {"data": reshaped(clusters(), 2, 8)}]
)
def test_the_teacher_of_another_training_is_told_apart(
    other: dict[str, Any], tmp_path: Path
) -> None:
    train(TAUGHT, tmp_path / "run.pt")
    (tmp_path / "run.pt").unlink()
    given = {"network": mlp.build(SMALL), "data": clusters(), "recipe": TAUGHT} | other
    with pytest.raises(ValueError, match=r"run\.pt\.teacher belongs to another training"):
        mlp.train(**given, checkpoint=tmp_path / "run.pt")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_networks_of_other_precision(dtype: torch.dtype, tmp_path: Path) -> None:
    network = mlp.build(SMALL).to(dtype)
    mlp.train(network, clusters(), PLAIN, checkpoint=tmp_path / "run.pt")
    again = mlp.build(SMALL).to(dtype)
    mlp.train(again, clusters(), PLAIN, checkpoint=tmp_path / "run.pt")
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="belongs to another training"):
        train(PLAIN, tmp_path / "run.pt")


def test_only_its_own_halves_are_removed(tmp_path: Path) -> None:
    own = tmp_path / f".run[1].{'0a' * 16}.tmp"
    others = [tmp_path / f".run[1].pt.{'0a' * 16}.tmp", tmp_path / ".run[1].mine.tmp"]
    for file in (own, *others):
        file.write_bytes(b"half")
    train(PLAIN, tmp_path / "run[1]")
    assert not own.exists()
    assert all(file.exists() for file in others)


def test_the_teacher_is_beside_the_checkpoint_whatever_names_it(tmp_path: Path) -> None:
    class Name:
        def __fspath__(self) -> str:
            return str(tmp_path / "run.pt")

    train(TAUGHT, Name())  # type: ignore[arg-type]
    assert {file.name for file in tmp_path.iterdir()} == {"run.pt", "run.pt.teacher"}


@pytest.mark.parametrize("n", [1, 65])
def test_a_teacher_sees_a_single_picture_in_its_last_batch(n: int) -> None:
    data = clusters()
    data.train_images, data.train_labels = data.train_images[:n], data.train_labels[:n]
    history = mlp.train(mlp.build(SMALL), data, TAUGHT)
    assert np.isfinite(history.train_loss).all()


def test_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    train(PLAIN, path)
    whole = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-1], b"x" + whole[1:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"run\.pt is not a checkpoint.*delete it"):
            train(PLAIN, path)
    mlp.save(mlp.build(SMALL), path)
    with pytest.raises(ValueError, match=r"not in the format 'hwlib\.mlp checkpoint 1'"):
        train(PLAIN, path)


def test_a_malicious_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "trace",)

    contents = {"format": "hwlib.mlp checkpoint 1", "run": "", "state": Payload()}
    torch.save(contents, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        train(PLAIN, tmp_path / "run.pt")
    assert not (tmp_path / "trace").exists()


def test_a_folder_that_cannot_be_written_to_is_found_out_before_training(tmp_path: Path) -> None:
    long = dataclasses.replace(PLAIN, epochs=10**9)
    train(PLAIN, None)  # torch loads what it needs, which an ordinary user may not read
    with ordinary_user(tmp_path), pytest.raises(PermissionError, match=r"run\.pt"):
        train(long, tmp_path / "run.pt")
    with pytest.raises(FileNotFoundError, match="checkpoint was not saved"):
        train(long, tmp_path / "nowhere" / "run.pt")
    with pytest.raises(OSError, match="directory"):
        train(long, tmp_path)


@pytest.mark.parametrize("recipe", [PLAIN, TAUGHT])
def test_no_space_left_stops_and_keeps_the_last_checkpoint(
    recipe: mlp.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _ = train(recipe, None)
    fsync, n_writes = os.fsync, 0

    def nearly_full(file: int) -> None:
        nonlocal n_writes
        n_writes += 1
        if n_writes > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    monkeypatch.setattr(os, "fsync", nearly_full)
    with pytest.raises(OSError, match=r"checkpoint was not saved.*No space left.*run\.pt"):
        train(recipe, tmp_path / "run.pt")
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.tmp"))
    assert same_bits(train(recipe, tmp_path / "run.pt")[0], network)


def test_a_write_that_stops_half_way_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    short = dataclasses.replace(PLAIN, epochs=1)
    train(short, tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    with small_files_only(), pytest.raises(OSError, match="checkpoint was not saved"):
        train(short, tmp_path / "other.pt")
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert (tmp_path / "run.pt").read_bytes() == before


def test_a_teacher_that_diverges_is_named() -> None:
    wild = dataclasses.replace(TAUGHT.teacher, learning_rate=1e30, optimizer="sgd")
    network = mlp.build(SMALL)
    with pytest.raises(FloatingPointError, match="teacher diverged: lower its learning rate"):
        mlp.train(network, clusters(), dataclasses.replace(TAUGHT, teacher=wild))
    assert same_bits(network, mlp.build(SMALL))


def test_the_teacher_is_seen_only_through_its_probabilities() -> None:
    """A teacher of nothing but noise teaches nothing."""
    data = clusters()
    small = {"shifts": 0, "epochs": 10, "batch_size": 20}
    teacher = dataclasses.replace(TAUGHT.teacher, **small)
    recipe = dataclasses.replace(TAUGHT, teacher=teacher, **small)
    good = mlp.train(mlp.build(SMALL), data, recipe)
    data.train_labels = np.random.default_rng(3).permutation(data.train_labels)
    bad = mlp.train(mlp.build(SMALL), data, recipe)
    assert good.test_accuracy[-1] > 0.9
    assert bad.test_accuracy[-1] < 0.6
