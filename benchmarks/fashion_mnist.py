"""FashionMNIST: how fast, how accurate, and what each choice of the recipes contributes.

Three parts, each with its own file of results:

- ``times``: an epoch of the homework's DataLoader loop against one of hwlib.mlp, the time of both
  to a test accuracy of 88.33%, and that of the recipes that the book runs. The two do the same in
  an epoch: one pass over 60,000 pictures in a new order, batches of 64, a step of plain gradient
  descent each, learning rate 0.01. The repetitions alternate, each starts from a seed of its own,
  and measuring loss and accuracy is left out of an epoch on both sides. To 88.33% the loop is
  measured after each epoch, outside its time, while the time of hwlib.mlp is that of the whole
  call, its measurements included.
- ``search``: what the recipes were chosen by. Every candidate is trained on the first 50,000
  training pictures and measured on the other 10,000; the test set is not looked at. The momentum
  of Muon, the length of the rise and the teacher's layers are customary values, not chosen.
- ``ladder``: from "homework" to "tuned", one change at a time, trained on all 60,000 training
  pictures from seeds that served in no choice, and measured on the test set.

``--checkpoints`` names a folder in which trainings that were stopped go on. ``--device`` trains the
networks of ``search`` and ``ladder`` elsewhere, and the results say so; on a GPU both take minutes.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _common import RESULTS, Result, parser, write_results
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from hwlib import datasets, mlp
from hwlib.datasets import Dataset
from hwlib.mlp._loop import Loop
from hwlib.mlp._variants import Variants

BATCH_SIZE, LEARNING_RATE = 64, 0.01
LEVEL = 0.8833  # the entry 256-128-100 of heitorrapela in the README of the data set
HELD_OUT = 10_000
HOMEWORK, QUICK, TUNED = (mlp.RECIPES[name] for name in ("homework", "quick", "tuned"))
PLAIN = dataclasses.replace(QUICK, shifts=0)
# It reaches the level on the held-out pictures with room.
SPRINT = dataclasses.replace(PLAIN, epochs=3, learning_rate=0.008)


class Training(NamedTuple):
    """One network to train: ``name`` and seed are its key in the results."""

    name: str
    recipe: mlp.Recipe
    seed: int
    sizes: tuple[int, ...] = mlp.SIZES

    @property
    def key(self) -> str:
        """Of its results."""
        return f"{self.name}_seed{self.seed}"

    @property
    def teacher(self) -> str | None:
        """Of what its teacher says: the same for equal pictures and seeds."""
        plan = self.recipe
        return plan.teacher and f"shifts{plan.shifts}_flips{plan.flips:d}_seed{self.seed}"


def main() -> None:
    arguments = parser("fashion_mnist", __doc__)
    arguments.set_defaults(output=None)
    arguments.add_argument("part", choices=["times", "search", "ladder"])
    arguments.add_argument("--repeats", type=int, default=5, help="epochs timed on each side")
    arguments.add_argument("--level-seeds", type=int, default=3, help="of the time to 88.33%%")
    arguments.add_argument("--seeds", type=int, default=5, help="networks on each rung")
    arguments.add_argument("--epochs", type=int, help="shorten all recipes, to try this script")
    arguments.add_argument("--workers", type=int, default=1, help="processes that train at once")
    arguments.add_argument("--checkpoints", type=Path, help="folder in which to go on")
    arguments.add_argument("--device", default="cpu", help="of search and ladder, such as cuda")
    options = arguments.parse_args()
    if options.part == "times":
        data = datasets.load("fashion-mnist")
        results = epoch_times(data, options.repeats) | recipe_times(data)
        results |= times_to_level(data, options.level_seeds)
    else:
        part = search() if options.part == "search" else ladder(options.seeds)
        with tempfile.TemporaryDirectory() as folder:
            kept = options.checkpoints or Path(folder)
            kept.mkdir(parents=True, exist_ok=True)
            outcomes = train_all(part, options.part == "search", kept, options)
        results = record(part, outcomes, options.part)
    name = "fashion_mnist" if options.part == "times" else f"fashion_mnist_{options.part}"
    output = options.output or RESULTS / f"{name}.json"
    packages = ("torch", "torchvision", "numpy")
    write_results("fashion_mnist", results, packages=packages, output=output, device=options.device)


def ladder(seeds: int) -> list[Training]:
    """From "homework" to "tuned", and beside it "quick" and logistic regression."""
    steps: dict[str, dict[str, Any]] = {
        "homework": {},
        "muon": {
            name: getattr(TUNED, name)
            for name in ("optimizer", "batch_size", "learning_rate", "momentum", "weight_decay")
        },
        "one_cycle": {"one_cycle": True},
        "flips": {"flips": True},
        "shifts": {"shifts": TUNED.shifts},
        "teacher": {"teacher": TUNED.teacher, "temperature": TUNED.temperature},
        "tuned": {"epochs": TUNED.epochs},
    }
    rungs, recipe = {}, HOMEWORK
    for name, change in steps.items():
        rungs[name] = recipe = dataclasses.replace(recipe, **change)
    assert recipe == TUNED
    rungs["quick"] = QUICK
    return [
        training
        for seed in range(100, 100 + seeds)
        for training in (
            *(Training(name, recipe, seed) for name, recipe in rungs.items()),
            Training("logistic", HOMEWORK, seed, (784, 10)),
        )
    ]


def search() -> list[Training]:
    """The candidates for each choice, around "quick" with flips and around "tuned"."""
    changes: dict[str, dict[str, Any]] = {
        "batch_size_256": {"batch_size": 256},
        "batch_size_1024": {"batch_size": 1024},
        "learning_rate_0.002": {"learning_rate": 0.002},
        "learning_rate_0.008": {"learning_rate": 0.008},
        "weight_decay_0": {"weight_decay": 0.0},
        "weight_decay_0.2": {"weight_decay": 0.2},
        "adamw": {"optimizer": "adamw", "batch_size": 256},
        "sgd": {
            "optimizer": "sgd", "weight_decay": 0.0, "batch_size": 64, "learning_rate": 0.05,
            "momentum": 0.9,
        },
        "shifts_0": {"shifts": 0},
        "shifts_2": {"shifts": 2},
        "no_flips_shifts_0": {"flips": False, "shifts": 0},
        "epochs_10": {"epochs": 10},
        "epochs_40": {"epochs": 40},
    }  # fmt: skip
    seeds, base = range(3), dataclasses.replace(QUICK, flips=True)
    found = [Training(n, r, s) for n, r in (("base", base), ("quick", QUICK)) for s in seeds]
    found += [Training(n, dataclasses.replace(base, **change), 0) for n, change in changes.items()]
    for epochs, rate in ((2, 0.004), (2, 0.008), (3, 0.004), (3, 0.008), (4, 0.004)):
        plan = dataclasses.replace(PLAIN, epochs=epochs, learning_rate=rate)
        found.append(Training(f"sprint_{epochs}_epochs_{rate}", plan, 0))
    short = dataclasses.replace(TUNED, epochs=30)
    found += [
        Training(f"teacher_temperature_{T:g}", dataclasses.replace(short, temperature=T), 0)
        for T in (2.0, 1.0, 4.0)
    ]
    found += [Training("tuned", TUNED, s) for s in seeds]
    plain = dataclasses.replace(TUNED, flips=False)
    return found + [Training("tuned_no_flips", plain, s) for s in seeds]


def train_all(
    trainings: list[Training], on_held_out: bool, folder: Path, options: Any
) -> dict[str, float]:
    """Train each; those that share a teacher come first, one after the other."""
    if options.epochs:
        trainings = [t._replace(recipe=shortened(t.recipe, options.epochs)) for t in trainings]
    by_teacher: dict[str, list[Training]] = {}
    for training in sorted(trainings, key=lambda t: t.recipe.teacher is None):
        by_teacher.setdefault(training.teacher or training.key, []).append(training)
    work = [(group, on_held_out, folder, options.device) for group in by_teacher.values()]
    # A process started anew has no threads of torch that a copy would wait for.
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        groups = pool.map(train_group, *zip(*work, strict=True))
        return {key: outcome for group in groups for key, outcome in group.items()}


def shortened(recipe: mlp.Recipe, epochs: int) -> mlp.Recipe:
    teacher = recipe.teacher and shortened(recipe.teacher, epochs)
    return dataclasses.replace(recipe, epochs=min(recipe.epochs, epochs), teacher=teacher)


def train_group(
    trainings: Iterable[Training], on_held_out: bool, folder: Path, device: str
) -> dict[str, float]:
    data: Any = datasets.load("fashion-mnist")
    if on_held_out:
        data = SimpleNamespace(
            train_images=data.train_images[:-HELD_OUT],
            train_labels=data.train_labels[:-HELD_OUT],
            test_images=data.train_images[-HELD_OUT:],
            test_labels=data.train_labels[-HELD_OUT:],
        )
    outcomes, part = {}, "search" if on_held_out else "ladder"
    for training in trainings:
        file = folder / f"{part}_{training.key}.pt"
        teacher = folder / f"{part}_{training.teacher}.teacher"
        beside = Path(f"{file}.teacher")
        if training.recipe.teacher and teacher.exists():
            shutil.copy(teacher, beside)
        network = mlp.build(training.sizes, seed=training.seed)
        history = mlp.train(
            network, data, training.recipe, seed=training.seed, device=device, checkpoint=file
        )
        if beside.exists():
            beside.replace(teacher)
        outcomes[training.key] = float(history.test_accuracy[-1])
        print(f"{part} {training.key}: {outcomes[training.key]:.4f}", flush=True)
    return outcomes


def record(trainings: list[Training], outcomes: dict[str, float], part: str) -> dict[str, Result]:
    """Each accuracy, and over the seeds of a name mean, extremes and standard deviation."""
    on = "held-out" if part == "search" else "test"
    results, by_name = {}, {}
    for t in trainings:
        by_name.setdefault(t.name, []).append(t)
        of = f"{'-'.join(map(str, t.sizes))}, seed {t.seed}, {one_line(t.recipe)}"
        results[t.key] = result(outcomes[t.key], "", f"Accuracy on {on} pictures: {of}.")
    for name, group in by_name.items():
        values = [outcomes[t.key] for t in group]
        if len(values) < 2:
            continue
        of = f"on {on} pictures, {len(values)} seeds from {group[0].seed}"
        of += f": {one_line(group[0].recipe)}"
        summaries: dict[str, Callable[[list[float]], float]] = {
            "mean": statistics.mean, "min": min, "max": max, "deviation": statistics.stdev,
        }  # fmt: skip
        for what, summary in summaries.items():
            results[f"{name}_{what}"] = result(summary(values), "", f"Accuracy, {what}, {of}.")
    return results


def one_line(recipe: mlp.Recipe) -> str:
    return " ".join(repr(recipe).split())


def epoch_times(data: Dataset, repeats: int) -> dict[str, Result]:
    """Seconds for an epoch of either loop, in turn, and their ratio."""
    images = torch.from_numpy(data.train_images.reshape(-1, 784) / np.float32(255))
    labels = torch.from_numpy(data.train_labels.astype(np.int64))
    loader_times, memory_times = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_idx(data, Path(folder))
        pictures = FashionMNIST(folder, train=True, transform=ToTensor())
        for seed in range(repeats):
            loader_times.append(loader_epoch(pictures, mlp.build(seed=seed), seed))
            memory_times.append(memory_epoch(images, labels, seed))
            print(f"epoch: {loader_times[-1]:.2f} s, {memory_times[-1]:.2f} s", flush=True)
    loader, memory = statistics.median(loader_times), statistics.median(memory_times)
    of = f"median of {repeats} alternating epochs"
    return {
        "loader_epoch": result(loader, "s", f"An epoch of the DataLoader loop, {of}."),
        "memory_epoch": result(memory, "s", f"An epoch of hwlib.mlp, {of}."),
        "epoch_ratio": result(loader / memory, "", f"DataLoader over hwlib.mlp, {of}."),
    }


def recipe_times(data: Dataset) -> dict[str, Result]:
    """Seconds for whole trainings with one thread and with two."""
    results = {}
    for name in ("homework", "quick"):
        for threads in (1, 2):
            torch.set_num_threads(threads)
            network, start = mlp.build(seed=100), time.perf_counter()
            mlp.train(network, data, name, seed=100, device="cpu")
            seconds = time.perf_counter() - start
            what = f"Training by {name}, {threads} threads, both sets measured after each epoch."
            results[f"{name}_seconds_{threads}_threads"] = result(seconds, "s", what)
            print(f"{name}, {threads} threads: {seconds:.1f} s", flush=True)
    torch.set_num_threads(1)
    return results


def times_to_level(data: Dataset, seeds: int) -> dict[str, Result]:
    """Seconds until the test accuracy reaches the level, in turn, and their ratio."""
    loader_times, loader_epochs, sprint_times, reached = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        write_idx(data, Path(folder))
        pictures = FashionMNIST(folder, train=True, transform=ToTensor())
        for seed in range(100, 100 + seeds):
            seconds, epochs = loader_to_level(pictures, data, seed)
            loader_times.append(seconds)
            loader_epochs.append(epochs)
            network, start = mlp.build(seed=seed), time.perf_counter()
            history = mlp.train(network, data, SPRINT, seed=seed, device="cpu")
            sprint_times.append(time.perf_counter() - start)
            reached.append(float(history.test_accuracy[-1]))
            print(
                f"to {LEVEL}: {seconds:.1f} s, {epochs} epochs; {sprint_times[-1]:.1f} s "
                f"to {reached[-1]:.4f}",
                flush=True,
            )
    if min(reached) < LEVEL:
        raise SystemExit(f"the sprint ended at {min(reached)}, below {LEVEL}")
    loader, sprint = statistics.median(loader_times), statistics.median(sprint_times)
    of = f"median of {len(reached)} seeds, in turn"
    return {
        "loader_to_level": result(loader, "s", f"DataLoader loop to {LEVEL:.2%}, {of}."),
        "loader_to_level_epochs": result(
            statistics.median(loader_epochs), "epochs", f"DataLoader loop to {LEVEL:.2%}, {of}."
        ),
        "sprint": result(sprint, "s", f"hwlib.mlp.train with {one_line(SPRINT)}, {of}."),
        "sprint_accuracy_min": result(min(reached), "", "Its test accuracy, the worst seed."),
        "level_ratio": result(loader / sprint, "", f"DataLoader over hwlib.mlp, {of}."),
    }


def loader_to_level(pictures: FashionMNIST, data: Dataset, seed: int) -> tuple[float, int]:
    """The homework's loop until it is there; what it takes to find that out is not counted."""
    network = mlp.build(seed=seed)
    seconds = 0.0
    for epoch in range(1, 201):
        seconds += loader_epoch(pictures, network, 1000 * seed + epoch)
        if mlp.evaluate(network, data.test_images, data.test_labels)[1] >= LEVEL:
            return seconds, epoch
    raise SystemExit(f"the DataLoader loop did not reach {LEVEL} in 200 epochs")


def loader_epoch(pictures: FashionMNIST, network: nn.Module, seed: int) -> float:
    """The homework's loop: a DataLoader over pictures that are transformed one by one."""
    torch.manual_seed(seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    loader = DataLoader(pictures, batch_size=BATCH_SIZE, shuffle=True)
    start = time.perf_counter()
    for images, labels in loader:
        loss = nn.functional.cross_entropy(network(images.flatten(1)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


def memory_epoch(images: torch.Tensor, labels: torch.Tensor, seed: int) -> float:
    """The same steps on tensors in memory, as hwlib.mlp.train takes them."""
    recipe = mlp.Recipe(epochs=1, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE)
    pictures = Variants(images, (28, 28), recipe)
    loop = Loop(mlp.build(seed=seed), recipe, pictures, torch.Generator().manual_seed(seed))
    start = time.perf_counter()
    loop.run_epoch(labels.expand(1, -1))
    return time.perf_counter() - start


def write_idx(data: Dataset, root: Path) -> None:
    """The unpacked files that torchvision looks for, so that it reads the same pictures."""
    folder = root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for stem, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("t10k", data.test_images, data.test_labels),
    ):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{stem}-{name}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())


def result(value: float, unit: str, what: str) -> Result:
    return {"value": round(value, 4), "unit": unit, "what": what}


if __name__ == "__main__":
    main()
