"""NumPy back-propagation, side by side, on one thread.

**Batches.** An epoch of 784-256-128-64-10, ReLU, on the 60,000 pictures of FashionMNIST in batches
of 64, plain gradient descent with learning rate 0.01, in float32: `hwlib.backprop.Network.fit`, and
the loop that one writes in PyTorch (eager, on the CPU, data in memory, `torch.optim.SGD`). Both
take the same rows in the same order from weights of the same values, and both gather their batches
inside of the timing; so do the rounds with momentum 0.9. `foreach=True` is another form of torch's
optimizer, which its default does not take on the CPU; it is measured too, and the ratio is taken
to the faster of the two.

**One example at a time.** The homework's epoch: 784-32-32-10, sigmoid, learning rate 0.003, 60,000
updates on MNIST, in the rows' own order. Against it stands `plain_epoch`, written as the hand-out
suggests: column vectors, a loop over the layers forward and one back, one-hot labels, the sigmoid's
derivative computed anew from z, all gradients first and the updates after. It is timed in float64,
which NumPy takes where nobody asks, and in float32, in which hwlib is timed; the ratio
`sample_ratio` is the one of like with like, both in float32. `sample_batched` is an epoch of the
same network in batches of 64, with 64 times the learning rate.

**Products.** `batch_products` is the time of the matrix products of an epoch in batches and nothing
else, with the calls and the shapes of hwlib; `batch_share` is their share of its epoch.

Times are of the processor, not of the clock on the wall: what else runs on the machine takes less
part in them. Repetitions alternate and each starts from a seed of its own. A ratio is the median of
the ratios of neighbouring runs, and beside it stand the smallest and the largest. That both sides
end at the same loss is checked after every pair.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

# One thread: NumPy and torch look when they are imported.
os.environ |= {f"{of}_NUM_THREADS": "1" for of in ("OMP", "OPENBLAS", "MKL")}

import numpy as np
import torch
from _common import Result, parser, write_results
from numpy.typing import NDArray
from torch import nn

from hwlib import backprop, datasets
from hwlib.backprop._pass import Pass

Matrix = NDArray[np.floating]
SIZES, BATCH_SIZE, LEARNING_RATE = (784, 256, 128, 64, 10), 64, 0.01
SAMPLE_SIZES, SAMPLE_RATE = (784, 32, 32, 10), 0.003
# Float32 sums in another order, carried on through a thousand steps: measured up to 1e-3, with
# momentum. In float64 the tests hold both sides to 1e-11.
SAME_LOSS = 1e-2


def main() -> None:
    arguments = parser("backprop", __doc__)
    arguments.add_argument("--repeats", type=int, default=9, help="pairs of epochs, each kind")
    arguments.add_argument("--rows", type=int, help="use fewer pictures, to try this script")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Result] = {}
    X, y = pictures("fashion-mnist", options.rows)
    for momentum, key in ((0.0, "batch"), (0.9, "momentum")):
        results |= batches(X, y, momentum, key, options.repeats)
    X, y = pictures("mnist", options.rows)
    results |= samples(X, y, options.repeats)
    write_results("backprop", results, packages=("numpy", "scipy", "torch"), output=options.output)


def pictures(name: str, rows: int | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The training set as rows of levels between 0 and 1."""
    data = datasets.load(name)
    X = data.train_images[:rows].reshape(-1, 784) / np.float32(255)
    return X, data.train_labels[:rows].copy()


def batches(
    X: NDArray[np.float32], y: NDArray[np.int64], momentum: float, key: str, repeats: int
) -> dict[str, Result]:
    """Epochs in batches: hwlib against both forms of the loop in torch."""
    rivals = {"torch": None, "torch_foreach": True}
    names = ("hwlib", "products", *rivals)
    times: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(repeats):
        losses = {}
        network = backprop.Network(SIZES, seed=seed, dtype=np.float32)
        start_weights = network.weights
        for rival, foreach in rivals.items():
            torch_net = as_torch(start_weights)
            seconds, losses[rival] = torch_epoch(torch_net, X, y, momentum, seed, foreach)
            times[rival].append(seconds)
        seconds, losses["hwlib"] = hwlib_epoch(network, X, y, momentum, seed)
        times["hwlib"].append(seconds)
        times["products"].append(products(len(X)))
        compare(losses)
        print(key, {name: round(values[-1], 3) for name, values in times.items()}, flush=True)
    fastest = min(rivals, key=lambda rival: statistics.median(times[rival]))
    of = f"{'-'.join(map(str, SIZES))}, batch {BATCH_SIZE}, momentum {momentum:g}, float32"
    results = {
        f"{key}_{name}": seconds_result(values, f"An epoch of {name}, {of}.")
        for name, values in times.items()
    }
    share = ratios(times["products"], times["hwlib"], f"{key}_share", f"Products over hwlib, {of}")
    return (
        results
        | share
        | ratios(times[fastest], times["hwlib"], f"{key}_ratio", f"{fastest} over hwlib, {of}")
    )


def hwlib_epoch(
    network: backprop.Network, X: Matrix, y: NDArray[np.int64], momentum: float, seed: int
) -> tuple[float, float]:
    """Seconds for an epoch, and the mean of its losses."""
    start = time.process_time()
    history = network.fit(
        X, y, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, momentum=momentum, seed=seed
    )
    return time.process_time() - start, float(history.loss.mean())


def torch_epoch(
    network: nn.Module,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    momentum: float,
    seed: int,
    foreach: bool | None,
) -> tuple[float, float]:
    """The same steps in torch, on the rows in the order that `fit` draws."""
    images, labels = torch.from_numpy(X), torch.from_numpy(y)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=LEARNING_RATE, momentum=momentum, foreach=foreach
    )
    losses = []
    start = time.process_time()
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(X)))
    for rows in torch.split(order, BATCH_SIZE):
        loss = nn.functional.cross_entropy(network(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    seconds = time.process_time() - start
    return seconds, float(torch.stack(losses).mean())


def as_torch(weights: Sequence[Matrix]) -> nn.Sequential:
    """The network of these weights, with biases of 0, in torch."""
    layers: list[nn.Module] = []
    for W in weights:
        layer = nn.Linear(*W.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.zero_()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def samples(X: NDArray[np.float32], y: NDArray[np.int64], repeats: int) -> dict[str, Result]:
    """Epochs of one example at a time: hwlib against the plain implementation."""
    plain: dict[str, Callable[..., tuple[float, float]]] = {
        "plain_float64": lambda network: plain_epoch(network, X.astype(np.float64), y, np.float64),
        "plain_float32": lambda network: plain_epoch(network, X, y, np.float32),
    }
    times: dict[str, list[float]] = {"hwlib": [], "batched": [], **{name: [] for name in plain}}
    for seed in range(repeats):
        losses = {}
        network = backprop.Network(SAMPLE_SIZES, "sigmoid", "homework", seed, np.float32)
        start = time.process_time()
        twin = backprop.Network(SAMPLE_SIZES, "sigmoid", "homework", seed, np.float32)
        twin.fit(X, y, batch_size=BATCH_SIZE, learning_rate=BATCH_SIZE * SAMPLE_RATE)
        times["batched"].append(time.process_time() - start)
        for name, run in plain.items():
            seconds, losses[name] = run(network)
            times[name].append(seconds)
        start = time.process_time()
        history = network.fit(X, y, batch_size=1, learning_rate=SAMPLE_RATE, shuffle=False)
        times["hwlib"].append(time.process_time() - start)
        losses["hwlib"] = float(history.loss.mean())
        compare(losses)
        print("sample", {name: round(v[-1], 3) for name, v in times.items()}, flush=True)
    of = f"{len(X):,} updates of {'-'.join(map(str, SAMPLE_SIZES))}, sigmoid"
    results = {
        f"sample_{name}": seconds_result(values, f"An epoch of {name}, {of}.")
        for name, values in times.items()
    }
    results |= ratios(
        times["plain_float32"], times["hwlib"], "sample_ratio", f"Plain over hwlib, float32, {of}"
    )
    results |= ratios(
        times["hwlib"],
        times["batched"],
        "sample_batched_ratio",
        f"One at a time over batches of {BATCH_SIZE}, both in hwlib, float32, {of}",
    )
    return results | ratios(
        times["plain_float64"],
        times["hwlib"],
        "sample_ratio_float64",
        f"Plain in float64 over hwlib in float32, {of}",
    )


def plain_epoch(
    network: backprop.Network, X: Matrix, y: NDArray[np.int64], dtype: type[np.floating]
) -> tuple[float, float]:
    """One example at a time, as the hand-out suggests; seconds, and the mean loss."""
    weights = [W.T.astype(dtype) for W in network.weights]
    biases = [b[:, None].astype(dtype) for b in network.biases]
    one_hot, rate, total = np.eye(SAMPLE_SIZES[-1], dtype=dtype), dtype(SAMPLE_RATE), 0.0
    start = time.process_time()
    for x, label in zip(X, y, strict=True):
        target = one_hot[label][:, None]
        a, activations, zs = x[:, None], [x[:, None]], []
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            z = W @ a + b
            a = sigmoid(z)
            zs.append(z)
            activations.append(a)
        p = softmax(weights[-1] @ a + biases[-1])
        total -= float(np.sum(target * np.log(p)))
        delta = p - target
        gradients = [(delta @ activations[-1].T, delta)]
        for i in range(2, len(weights) + 1):
            delta = (weights[-i + 1].T @ delta) * sigmoid_derivative(zs[-i + 1])
            gradients.insert(0, (delta @ activations[-i].T, delta))
        for i, (dW, db) in enumerate(gradients):
            weights[i] -= rate * dW
            biases[i] -= rate * db
    return time.process_time() - start, total / len(X)


def sigmoid(z: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z: Matrix) -> Matrix:
    return sigmoid(z) * (1 - sigmoid(z))


def softmax(z: Matrix) -> Matrix:
    e = np.exp(z - z.max())
    return e / e.sum()


def products(rows: int) -> float:
    """Seconds for the matrix products of an epoch in batches, and nothing else."""
    network = backprop.Network(SIZES, dtype=np.float32)
    batch = np.random.default_rng(0).random((BATCH_SIZE, SIZES[0]), dtype=np.float32)
    labels = np.zeros(BATCH_SIZE, np.int64)
    through = Pass(network.weights, network.biases, network.activation, batch, labels)
    through.loss()
    list(through.backward())  # fills all buffers with numbers of the usual size
    start = time.process_time()
    for _ in range(0, rows, BATCH_SIZE):
        for layer in through.layers:
            layer.a_in.dot(layer.W, out=layer.a)
        for layer in reversed(through.layers):
            if layer.delta_in is not None:
                layer.delta.dot(layer.W.T, out=layer.delta_in)
            layer.add_gradient(layer.W, layer.b, -1e-12, 1.0)
    return time.process_time() - start


def compare(losses: dict[str, float]) -> None:
    """Stop if two sides did not do the same work."""
    if max(losses.values()) - min(losses.values()) > SAME_LOSS:
        raise RuntimeError(f"the mean losses of the epoch differ: {losses}")


def seconds_result(values: Sequence[float], what: str) -> Result:
    what = f"{what} Median of {len(values)} alternating epochs."
    return {"value": round(statistics.median(values), 4), "unit": "s", "what": what}


def ratios(
    slower: Sequence[float], faster: Sequence[float], key: str, what: str
) -> dict[str, Result]:
    """Median, smallest and largest of the ratios of neighbouring runs."""
    values = [a / b for a, b in zip(slower, faster, strict=True)]
    kinds = {"": statistics.median, "_min": min, "_max": max}
    return {
        f"{key}{suffix}": {
            "value": round(kind(values), 4),
            "unit": "",
            "what": f"{what}: {kind.__name__} of {len(values)} ratios.",
        }
        for suffix, kind in kinds.items()
    }


if __name__ == "__main__":
    main()
