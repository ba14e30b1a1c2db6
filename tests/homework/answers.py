"""Answers as students write them: right ones, and one for each mistake that is recognized."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.optimize import linprog

from hwlib import datasets, lad

Mistakes = dict[tuple[str, str], Callable[..., Any]]


def l1_loss(X, w, y):
    return np.abs(X @ w - y).sum()


def program(X, y):
    n, d = X.shape
    cost = np.r_[np.zeros(d), np.ones(2 * n)]
    bounds = [(None, None)] * d + [(0, None)] * (2 * n)
    return linprog(cost, A_eq=np.c_[X, np.eye(n), -np.eye(n)], b_eq=y, bounds=bounds)


def solve_l1(X, y):
    solved = program(X, y)
    return solved.x[: X.shape[1]], solved.eqlin.marginals


def nonnegative(X, y):
    n, d = X.shape
    cost = np.r_[np.zeros(d), np.ones(2 * n)]
    solved = linprog(cost, A_eq=np.c_[X, np.eye(n), -np.eye(n)], b_eq=y)
    return solved.x[:d], solved.eqlin.marginals


def signs(X, y):
    w = solve_l1(X, y)[0]
    r = y - X @ w
    return w, np.where(np.abs(r) < 1e-9, 0, np.sign(r))


LAD: Mistakes = {
    ("1a", "squared"): lambda X, w, y: float(((X @ w - y) ** 2).sum()),
    ("1a", "euclidean"): lambda X, w, y: np.linalg.norm(X @ w - y),
    ("1a", "mean"): lambda X, w, y: np.abs(X @ w - y).mean(),
    ("1a", "signed"): lambda X, w, y: abs((y - X @ w).sum()),
    ("1a", "broadcast"): lambda X, w, y: np.abs(X @ w - y.ravel()).sum(),
    ("1b", "least-squares"): lambda X, y: (np.linalg.lstsq(X, y, rcond=None)[0], 0 * y),
    ("1b", "nonnegative"): nonnegative,
    ("1b", "no-intercept"): lambda X, y: (np.r_[0, lad.fit(X[:, 1:], y).coef], 0 * y),
    ("1b", "opposite-sign"): lambda X, y: (solve_l1(X, y)[0], -solve_l1(X, y)[1]),
    ("1b", "zero-where-fitted"): signs,
    ("1b", "half"): lambda X, y: (lad.fit(X, y).coef, lad.fit(X, y).dual),
    ("1b", "residuals"): lambda X, y: (
        solve_l1(X, y)[0],
        np.clip(y - X @ solve_l1(X, y)[0], -99, 99),
    ),
}


def box_network(h, delta):
    return np.array([1.0, -1.0]), np.array([0.0, delta]), np.array([h, h]), -h


def box_sum(f, B, n):
    delta = 2 * B / n
    edges = -B + delta * np.arange(n + 1)
    heights = f(edges[:-1] + delta / 2)
    return edges, np.diff(heights, prepend=0, append=0)


def box_sum_at(share, width=2.0, sign=1):
    def box_sum(f, B, n):
        delta = width * B / n
        edges = -B + delta * np.arange(n + 1)
        heights = f(edges[:-1] + share * delta)
        return edges, sign * np.diff(heights, prepend=0, append=0)

    return box_sum


def heights_as_weights(f, B, n):
    edges, _ = box_sum(f, B, n)
    return edges[:-1], f(edges[:-1] + B / n)


def two_per_box(f, B, n):
    edges, _ = box_sum(f, B, n)
    h = f(edges[:-1] + B / n)
    return np.r_[edges[:-1], edges[1:]], np.r_[h, -h]


def cube_network(low, high):
    d = len(low)
    W1 = np.vstack([np.eye(d), -np.eye(d)])
    return W1, np.r_[-low, high], np.ones(2 * d), 0.5 - 2 * d


def cube_with(threshold):
    def cube_network_(low, high):
        W1, b1, w2, _ = cube_network(low, high)
        return W1, b1, w2, -float(threshold(len(low)))

    return cube_network_


def lower_edges(low, high):
    W1, b1, w2, _ = cube_network(low, high)
    w2[len(low) :] = 0
    return W1, b1, w2, 0.5 - len(low)


BOXES: Mistakes = {
    ("2a", "second-step-sign"): lambda h, d: (np.ones(2), np.array([0, -d]), np.full(2, h), 0.0),
    ("2a", "second-step-at-zero"): lambda h, d: (np.ones(2), np.zeros(2), np.array([h, -h]), 0.0),
    ("2a", "bias-sign"): lambda h, d: (np.ones(2), np.array([0, d]), np.array([-h, h]), 0.0),
    ("2a", "upside-down"): lambda h, d: (np.ones(2), np.array([0, -d]), np.array([-h, h]), 0),
    ("2a", "height-one"): lambda h, d: (np.ones(2), np.array([0, -d]), np.array([1, -1]), 0),
    ("2a", "no-output-bias"): lambda h, d: (*box_network(h, d)[:3], 0.0),
    ("2a", "half-open"): lambda h, d: (np.ones(2), np.array([0, -d]), np.array([h, -h]), 0.0),
    ("2a", "edge-moved"): lambda h, d: (
        np.ones(2),
        np.array([0, 1e-9 - d]),
        np.array([h, -h]),
        0.0,
    ),
    ("2b", "ends-of-cells"): box_sum_at(0.0),
    ("2b", "heights-as-weights"): heights_as_weights,
    ("2b", "one-cell-too-few"): lambda f, B, n: box_sum(f, B, n - 1),
    ("2b", "half-width"): box_sum_at(0.5, width=1.0),
    ("2b", "upside-down-sum"): box_sum_at(0.5, sign=-1),
    ("2b", "last-step-missing"): lambda f, B, n: tuple(part[:-1] for part in box_sum(f, B, n)),
    ("2b", "two-per-box"): two_per_box,
    ("2c", "or-in-place-of-and"): cube_with(lambda d: d + 0.5),
    ("2c", "always-fires"): cube_with(lambda d: 0.5),
    ("2c", "never-fires"): cube_with(lambda d: 2 * d),
    ("2c", "lower-edges-only"): lower_edges,
    ("2d", "added"): lambda B, delta, d: d * 2 * B / delta,
    ("2d", "half-interval"): lambda B, delta, d: (B / delta) ** d,
    ("2d", "base-and-exponent"): lambda B, delta, d: d ** (2 * B / delta),
    ("2d", "one-dimension"): lambda B, delta, d: 2 * B / delta,
}


def unshifted(z):
    e = np.exp(z)
    return e / e.sum()


def softmax(z):
    return unshifted(z - z.max())


def log_derivative(z):
    return np.eye(len(z)) - softmax(z)


def jacobian(z):
    y = softmax(z)
    return np.diag(y) - np.outer(y, y)


SOFTMAX: Mistakes = {
    ("3a", "not-normalized"): lambda z: np.exp(z - z.max()),
    ("3a", "logarithm"): lambda z: np.log(softmax(z)),
    ("3a", "no-exponential"): lambda z: z / z.sum(),
    ("3a", "sigmoid"): lambda z: 1 / (1 + np.exp(-z)),
    ("3a", "not-shifted"): unshifted,
    ("3a", "shifted-too-little"): lambda z: unshifted(z - z.mean()),
    ("3b", "log-transposed"): lambda z: np.eye(len(z)) - softmax(z)[:, None],
    ("3b", "log-of-softmax"): jacobian,
    ("3b", "log-no-delta"): lambda z: -np.ones((len(z), 1)) * softmax(z),
    ("3b", "log-sign"): lambda z: softmax(z) - np.eye(len(z)),
    ("3b", "log-only-diagonal"): lambda z: np.diag(1 - softmax(z)),
    ("3c", "off-diagonal-missing"): lambda z: np.diag(softmax(z) * (1 - softmax(z))),
    ("3c", "log-derivative"): log_derivative,
    ("3c", "diagonal-missing"): lambda z: -np.outer(softmax(z), softmax(z)),
    ("3c", "plus-outer"): lambda z: np.diag(softmax(z)) + np.outer(softmax(z), softmax(z)),
    ("3c", "wrong-factor"): lambda z: softmax(z) * log_derivative(z),
}


def layers(*sizes, bias=True, end=(), unit=torch.nn.ReLU):
    parts = []
    for n_in, n_out in pairwise(sizes):
        parts += [torch.nn.Linear(n_in, n_out, bias=bias), unit()]
    return torch.nn.Sequential(*parts[:-1], *end)


SIZES = (784, 256, 128, 64, 10)


def build_network():
    return layers(*SIZES)


def without(module, place):
    return torch.nn.Sequential(*(part for i, part in enumerate(module) if i != place))


def train_epoch(network, optimizer, X, y, batch_size, **mistake):
    loss_of = torch.nn.CrossEntropyLoss(reduction=mistake.get("reduction", "mean"))
    order = torch.arange(len(X)) if mistake.get("ordered") else torch.randperm(len(X))
    if mistake.get("drop"):
        order = order[: len(X) // batch_size * batch_size]
    losses, means = [], []
    optimizer.zero_grad() if mistake.get("pile") == "epoch" else None
    for rows in order.split(mistake.get("size", batch_size)):
        if not mistake.get("pile"):
            optimizer.zero_grad()
        loss = loss_of(network(X[rows]), (y[rows] + mistake.get("shift", 0)) % 4)
        loss.backward()
        if not mistake.get("still"):
            optimizer.step()
        losses += [loss.item()] * len(rows)
        means.append(loss.item())
    if mistake.get("still") == "until the end":
        optimizer.step()
    if "after" in mistake:
        return loss_of(network(X), y)
    if "batches" in mistake:
        return sum(means) / len(means)
    if "summed" in mistake:
        return sum(losses)
    return losses[-1] if "last" in mistake else sum(losses) / len(losses)


@functools.cache
def fashion():
    """A network for FashionMNIST: a small one is right on 85%."""
    data = datasets.load("fashion-mnist")
    torch.manual_seed(0)
    X = torch.tensor(data.train_images.reshape(-1, 784)) / 255
    y = torch.tensor(data.train_labels)
    network = layers(784, 64, 10)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for rows in (rows for _ in range(3) for rows in torch.randperm(len(X)).split(64)):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(X[rows]), y[rows]).backward()
        optimizer.step()
    return network


def scores(images, scale=255):
    rows = torch.tensor(np.asarray(images, dtype=np.float32).reshape(len(images), -1) / scale)
    return fashion()(rows).detach().numpy()


def rowwise(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def predict_proba(images):
    return rowwise(scores(images))


def always_seven(images):
    return np.tile(np.eye(10)[7], (len(images), 1))


def guessed(images):
    rng = np.random.default_rng()
    return np.eye(10)[rng.integers(10, size=len(images))]


FASHION: Mistakes = {
    ("4a", "no-biases"): lambda: layers(*SIZES, bias=False),
    ("4a", "layer-missing"): lambda: layers(784, 256, 64, 10),
    ("4a", "layer-too-many"): lambda: layers(784, 256, 128, 64, 64, 10),
    ("4a", "softmax-at-the-end"): lambda: layers(*SIZES, end=[torch.nn.Softmax(dim=1)]),
    ("4a", "no-activation"): lambda: layers(*SIZES, unit=torch.nn.Identity),
    ("4a", "activation-missing"): lambda: without(layers(*SIZES), 3),
    ("4a", "relu-at-the-end"): lambda: layers(*SIZES, end=[torch.nn.ReLU()]),
    ("4b", "mean-forgotten"): functools.partial(train_epoch, reduction="sum"),
    ("4b", "no-step"): functools.partial(train_epoch, still=True),
    ("4b", "labels-shifted-by-one"): functools.partial(train_epoch, shift=1),
    ("4b", "last-batch-dropped"): functools.partial(train_epoch, drop=True),
    ("4b", "one-batch-only"): functools.partial(train_epoch, size=10**6),
    ("4b", "gradients-pile-up"): functools.partial(train_epoch, pile=True),
    ("4b", "not-shuffled"): functools.partial(train_epoch, ordered=True),
    ("4b", "mean-of-batches"): functools.partial(train_epoch, batches=True),
    ("4b", "loss-after-the-step"): functools.partial(train_epoch, after=True),
    ("4b", "loss-summed"): functools.partial(train_epoch, summed=True),
    ("4b", "loss-of-last-batch"): functools.partial(train_epoch, last=True),
    ("4c", "labels-shifted-by-one"): lambda images: np.roll(predict_proba(images), 1, axis=1),
    ("4c", "one-class-only"): always_seven,
    ("4c", "scaled-differently"): lambda images: rowwise(
        scores(images, scale=1) if np.max(images) <= 1 else 0 * scores(images) + np.arange(10) % 3
    ),
    ("4c", "untrained"): guessed,
    ("4c", "wrong-axis"): lambda images: rowwise(scores(images).T).T,
    ("4c", "logarithms"): lambda images: np.log(predict_proba(images)),
    ("4c", "scores"): scores,
}


def initial_weights(sizes, rng, variance=lambda m, n: 1 / max(m, n)):
    shapes = list(pairwise(sizes))
    weights = [np.sqrt(variance(m, n)) * rng.normal(size=(m, n)) for m, n in shapes]
    return weights, [np.zeros(n) for _, n in shapes]


def biased(sizes, rng):
    weights, biases = initial_weights(sizes, rng)
    return weights, [b + 0.1 for b in biases]


def activate(z, kind):
    return np.maximum(0, z) if kind == "relu" else 1 / (1 + np.exp(-z))


def slope(a, kind):
    return a > 0 if kind == "relu" else a * (1 - a)


def forward(weights, biases, X, kind, *, hidden=activate, top=rowwise, below=1, last=1):
    outputs = [X]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        outputs.append(hidden(outputs[-1] @ W + below * b, kind))
    return outputs, top(outputs[-1] @ weights[-1] + last * biases[-1])


def naive_rowwise(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def gradients(weights, biases, X, y, kind, *, mean=True, sign=1, shift=0, bias=None, at=slope):
    outputs, p = forward(weights, biases, X, kind)
    delta = sign * (p - np.eye(p.shape[1])[(y + shift) % p.shape[1]])
    if mean:
        delta = delta / len(y)
    found = []
    for layer in range(len(weights) - 1, -1, -1):
        found.insert(0, (outputs[layer].T @ delta, (bias or (lambda d: d.sum(axis=0)))(delta)))
        if layer:
            delta = delta @ weights[layer].T * at(outputs[layer], kind)
    return found


def gradients_beside(weights, biases, X, y, kind, *, off):
    """The slope of a hidden layer beside the right one, where there is one."""
    outputs, p = forward(weights, biases, X, kind)
    delta, found = (p - np.eye(p.shape[1])[y]) / len(y), []
    for layer in range(len(weights) - 1, -1, -1):
        found.insert(0, (outputs[layer].T @ delta, delta.sum(axis=0)))
        delta = delta @ weights[layer].T
        if layer:
            delta = delta * slope(outputs[min(max(layer + off, 1), len(weights) - 1)], kind)
    return found


@functools.cache
def digits():
    """A linear classifier of MNIST by least squares, in NumPy."""
    data = datasets.load("mnist")
    X = data.train_images[:20_000].reshape(-1, 784) / 255
    Y = np.eye(10)[data.train_labels[:20_000]]
    return np.linalg.solve(X.T @ X + 10 * np.eye(784), X.T @ Y)


def predict(images, scale=255):
    return (np.asarray(images).reshape(len(images), -1) / scale @ digits()).argmax(axis=1)


BACKPROP: Mistakes = {
    ("5a", "all-equal"): lambda sizes, rng: (
        [np.full(s, 0.0) for s in pairwise(sizes)],
        [np.zeros(n) for n in sizes[1:]],
    ),
    ("5a", "variance-as-deviation"): functools.partial(
        initial_weights, variance=lambda m, n: max(m, n) ** -2
    ),
    ("5a", "variance-one"): functools.partial(initial_weights, variance=lambda m, n: 1),
    ("5a", "fan-in"): functools.partial(initial_weights, variance=lambda m, n: 1 / m),
    ("5a", "fan-out"): functools.partial(initial_weights, variance=lambda m, n: 1 / n),
    ("5a", "transposed"): lambda sizes, rng: (
        [W.T for W in initial_weights(sizes, rng)[0]],
        initial_weights(sizes, rng)[1],
    ),
    ("5a", "other-generator"): lambda sizes, rng: initial_weights(sizes, np.random.default_rng(0)),
    ("5b", "bias-forgotten"): functools.partial(forward, below=0),
    ("5b", "no-activation"): functools.partial(forward, hidden=lambda z, kind: z),
    ("5b", "kind-ignored"): functools.partial(forward, hidden=lambda z, _: activate(z, "sigmoid")),
    ("5b", "scores"): functools.partial(forward, top=lambda z: z),
    ("5b", "top-bias-forgotten"): functools.partial(forward, last=0),
    ("5b", "sigmoid-at-top"): functools.partial(forward, top=lambda z: activate(z, "sigmoid")),
    ("5b", "wrong-axis"): functools.partial(forward, top=lambda z: rowwise(z.T).T),
    ("5b", "softmax-not-shifted"): functools.partial(forward, top=naive_rowwise),
    ("5c", "mean-forgotten"): functools.partial(gradients, mean=False),
    ("5c", "bias-not-summed"): functools.partial(gradients, bias=lambda delta: delta),
    ("5c", "bias-averaged-twice"): functools.partial(gradients, bias=lambda d: d.mean(axis=0)),
    ("5c", "slope-from-layer-above"): functools.partial(gradients_beside, off=1),
    ("5c", "slope-from-layer-below"): functools.partial(gradients_beside, off=-1),
    ("5c", "slope-forgotten"): functools.partial(gradients, at=lambda a, kind: 1),
    ("5c", "uphill"): functools.partial(gradients, sign=-1),
    ("5c", "labels-shifted-by-one"): functools.partial(gradients, shift=1),
    ("5c", "kind-ignored-back"): functools.partial(gradients, at=lambda a, _: a * (1 - a)),
    ("5d", "labels-shifted-by-one"): lambda images: predict(images) + 1,
    ("5d", "one-class-only"): lambda images: np.full(len(images), 3),
    ("5d", "scaled-differently"): lambda images: (
        predict(images, 1) if np.max(images) <= 1 else np.arange(len(images)) % 10
    ),
    ("5d", "untrained"): lambda images: np.arange(len(images)) % 10,
    ("5d", "ten-numbers"): lambda images: np.eye(10)[predict(images)],
}

RIGHT = {
    "1a": l1_loss,
    "1b": solve_l1,
    "2a": box_network,
    "2b": box_sum,
    "2c": cube_network,
    "2d": lambda B, delta, d: (2 * B / delta) ** d,
    "3a": softmax,
    "3b": log_derivative,
    "3c": jacobian,
    "4a": build_network,
    "4b": train_epoch,
    "4c": predict_proba,
    "5a": initial_weights,
    "5b": forward,
    "5c": gradients,
    "5d": predict,
}
WRONG: Mistakes = LAD | BOXES | SOFTMAX | FASHION | BACKPROP


def lower_negative(low, high):
    return cube_network(-np.abs(low), high)


def lower_positive(low, high):
    return cube_network(np.abs(low), np.abs(low) + high - low)


def single(*values):
    """The same values in float32."""
    return [[*map(np.float32, v)] if isinstance(v, list) else np.float32(v) for v in values]


class Dense(torch.nn.Module):
    """The network of problem 4 as a module of its own."""

    def __init__(self, first=lambda: None):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(*sizes) for sizes in pairwise(SIZES))
        self.first = first

    def forward(self, x):
        self.first()
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


def train_one_by_one(network, optimizer, X, y, batch_size):
    total = 0.0
    for rows in torch.randperm(len(X)).split(batch_size):
        network.zero_grad()
        for i in rows:
            loss = torch.nn.functional.cross_entropy(network(X[i]), y[i])
            (loss / len(rows)).backward()
            total += loss.detach()
        optimizer.step()
        with torch.no_grad():
            network(X)  # to look how far it got
    return total / len(X)


# Wrong in a way that few inputs show; what the report says to it.
SUBTLE = [
    (
        "2a",
        lambda h, delta: (*box_network(h, delta)[:3], np.array([-h])),
        "c0 should be one number, but it has the shape (1,)",
    ),
    (
        "2a",
        lambda h, d: (-np.ones(2), np.array([d, 0]), np.array([h, -h]), 0.0),
        "The network is right but for an end",
    ),
    ("2c", lower_negative, "the network is not 1 in the box"),
    ("2c", lower_positive, "in the box"),  # another one, which the points drawn may miss
    ("2c", lambda low, high: cube_network(low, np.abs(high)), "the network is not 1 in the box"),
    ("3a", lambda z: unshifted(z - z[:-1].max()), "after your shift some of them are large"),
    ("3a", lambda z: unshifted(z - z[1:].max()), "after your shift some of them are large"),
    ("3a", lambda z: unshifted(z - z.min()), "after your shift some of them are large"),
    ("3a", lambda z: unshifted(z - z[0]), "after your shift some of them are large"),
    ("3a", lambda z: unshifted(np.clip(z, -700, 700)), "should not change any probability"),
    ("3a", lambda z: softmax(z if np.ptp(z) < 1000 else z / 2**20), "Scores that are far apart"),
    ("3a", lambda z: 2 * softmax(z), "These are the exponentials"),
    ("3a", lambda z: softmax(z)[:, None], "should have the shape ("),
    (
        "4a",
        functools.partial(layers, *SIZES, unit=torch.nn.LeakyReLU),
        "something else than a ReLU",
    ),
    ("4a", lambda: layers(*SIZES, end=[torch.nn.LogSoftmax(dim=1)]), "ends in a softmax"),
    ("4b", functools.partial(train_epoch, pile="epoch"), "What sets them back, and how often?"),
    ("4b", functools.partial(train_epoch, still="until the end"), "There is a single step"),
    ("5a", biased, "The biases should start at 0"),
    ("5b", lambda W, b, X, kind: forward(W, b, X + 0.5, kind), "should be the inputs X"),
    *(
        ("5b", functools.partial(forward, top=top), "With large scores")
        for top in (
            lambda z: naive_rowwise(z - z[:, :1]),
            lambda z: naive_rowwise(z - z[:, :-1].max(axis=1)[:, None]),
            lambda z: naive_rowwise(z - np.abs(z).max(axis=1)[:, None]),
            lambda z: naive_rowwise(z - z.clip(0).max(axis=1)[:, None]),
            lambda z: naive_rowwise(z.clip(-700, 700)),
        )
    ),
    (
        "5b",
        functools.partial(forward, top=lambda z: np.nan_to_num(naive_rowwise(z))),
        "With large scores p is not the softmax",
    ),
    (
        "5c",
        functools.partial(gradients, bias=lambda d: d.sum(axis=0, keepdims=True)),
        "biases have the shape (1, 6) in place of (6,)",
    ),
    (
        "5c",
        lambda *given: [(dW.T, db) for dW, db in gradients(*given)],
        "(4, 6) in place of (6, 4)",
    ),
]

# Right in another style.
UNUSUAL = [
    ("1a", lambda *given: l1_loss(*single(*given))),
    ("1a", lambda X, w, y: torch.tensor(X @ w - y, requires_grad=True).float().abs().sum()),
    (
        "1a",
        lambda X, w, y: sum(abs(float(row @ w[:, 0] - t[0])) for row, t in zip(X, y, strict=True)),
    ),
    ("1b", lambda X, y: [part.tolist() for part in solve_l1(X, y)]),
    ("2a", lambda h, delta: ([1 / delta, -1 / delta], [0, 1], [h, h], -h)),
    ("2b", lambda f, B, n: single(*box_sum(f, B, n))),
    ("2b", lambda f, B, n: [part.tolist()[::-1] for part in box_sum(f, B, n)]),
    ("2c", lambda low, high: (*cube_network(low, high)[:3], 1 - 2 * len(low))),
    ("2d", lambda B, delta, d: int(np.ceil(2 * B / delta)) ** d),
    ("2d", lambda B, delta, d: (2 * B // delta) ** d),
    ("3a", lambda z: torch.tensor(z).softmax(dim=0)),
    ("3a", lambda z: softmax(*single(z))),
    ("3b", lambda z: log_derivative(*single(z)).astype(np.float32)),
    ("3c", lambda z: jacobian(*single(z))),
    ("4a", Dense),
    ("4a", lambda: Dense().double()),
    ("4b", train_one_by_one),
    ("5b", lambda W, b, X, kind: forward(*single(W, b, X), kind)),
    ("5c", lambda W, b, X, y, kind: gradients(*single(W, b, X), y, kind)),
]
