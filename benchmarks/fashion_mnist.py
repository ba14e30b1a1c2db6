"""FashionMNIST: an epoch of the homework's DataLoader loop, and one of hwlib.mlp.

Both sides do the same work on the same pictures: one pass over 60,000 pictures in a new order,
batches of 64, a step of plain gradient descent each, learning rate 0.01. The repetitions alternate
and each starts from a seed of its own; measuring loss and accuracy is left out on both sides.
Then the recipe "homework" is trained from several seeds, none of which served to choose it.
"""

from __future__ import annotations

import dataclasses
import statistics
import struct
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from _common import Result, parser, write_results
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from hwlib import datasets, mlp
from hwlib.datasets import Dataset
from hwlib.mlp._training import run_epoch

BATCH_SIZE, LEARNING_RATE = 64, 0.01


def main() -> None:
    arguments = parser("fashion_mnist", __doc__)
    arguments.add_argument("--repeats", type=int, default=5, help="epochs timed on each side")
    arguments.add_argument("--seeds", type=int, default=5, help="networks trained by the recipe")
    arguments.add_argument("--epochs", type=int, help="shorten the recipe, to try this script")
    options = arguments.parse_args()
    data = datasets.load("fashion-mnist")
    recipe = mlp.RECIPES["homework"]
    if options.epochs:
        recipe = dataclasses.replace(recipe, epochs=options.epochs)
    seeds = range(100, 100 + options.seeds)
    results = epoch_times(data, options.repeats)
    results |= accuracies(data, recipe, mlp.SIZES, seeds, "mlp")
    results |= accuracies(data, recipe, (784, 10), seeds, "logistic")
    packages = ("torch", "torchvision", "numpy")
    write_results("fashion_mnist", results, packages=packages, output=options.output)


def epoch_times(data: Dataset, repeats: int) -> dict[str, Result]:
    """Seconds for an epoch of either loop, in turn, and their ratio."""
    images = torch.from_numpy(data.train_images.reshape(-1, 784) / np.float32(255))
    labels = torch.from_numpy(data.train_labels.copy())
    loader_times, memory_times = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_idx(data, Path(folder))
        pictures = FashionMNIST(folder, train=True, transform=ToTensor())
        for seed in range(repeats):
            loader_times.append(loader_epoch(pictures, seed))
            memory_times.append(memory_epoch(images, labels, seed))
            print(f"epoch: {loader_times[-1]:.2f} s, {memory_times[-1]:.2f} s", flush=True)
    loader, memory = statistics.median(loader_times), statistics.median(memory_times)
    of = f"median of {repeats} alternating epochs"
    return {
        "loader_epoch": result(loader, "s", f"An epoch of the DataLoader loop, {of}."),
        "memory_epoch": result(memory, "s", f"An epoch of hwlib.mlp, {of}."),
        "epoch_ratio": result(loader / memory, "", f"DataLoader over hwlib.mlp, {of}."),
    }


def loader_epoch(pictures: FashionMNIST, seed: int) -> float:
    """The homework's loop: a DataLoader over pictures that are transformed one by one."""
    torch.manual_seed(seed)
    network = mlp.build(seed=seed)
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
    order = torch.Generator().manual_seed(seed)
    network = mlp.build(seed=seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    start = time.perf_counter()
    run_epoch(network, optimizer, images, labels, BATCH_SIZE, order)
    return time.perf_counter() - start


def accuracies(
    data: Dataset, recipe: mlp.Recipe, sizes: tuple[int, ...], seeds: Sequence[int], key: str
) -> dict[str, Result]:
    """Final test accuracies over the seeds, and the median time of a whole training."""
    final, seconds = [], []
    for seed in seeds:
        start = time.perf_counter()
        history = mlp.train(mlp.build(sizes, seed=seed), data, recipe, seed=seed)
        seconds.append(time.perf_counter() - start)
        final.append(float(history.test_accuracy[-1]))
        print(f"{key}: seed {seed}, {final[-1]:.4f}, {seconds[-1]:.1f} s", flush=True)
    of = f"{'-'.join(map(str, sizes))}, {recipe}, {len(final)} seeds from {seeds[0]}"
    accuracy = "Test accuracy after the last epoch"
    return {
        f"{key}_accuracy_mean": result(statistics.mean(final), "", f"{accuracy}, mean: {of}."),
        f"{key}_accuracy_min": result(min(final), "", f"{accuracy}, worst: {of}."),
        f"{key}_accuracy_max": result(max(final), "", f"{accuracy}, best: {of}."),
        f"{key}_seconds": result(
            statistics.median(seconds),
            "s",
            f"Training with both sets measured after each epoch, median: {of}.",
        ),
    }


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
