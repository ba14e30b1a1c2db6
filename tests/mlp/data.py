"""What the tests of hwlib.mlp share: small pictures, the network in NumPy, and full disks."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from hwlib import mlp

SMALL = (16, 12, 8, 3)
PLAIN = mlp.Recipe(epochs=3, batch_size=10, learning_rate=0.1)


def clusters(n: int = 300, seed: int = 0) -> SimpleNamespace:
    """Three kinds of 4 × 4 picture, a bright row each, under noise: linearly separable."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=2 * n)
    images = rng.integers(0, 90, size=(2 * n, 4, 4), dtype=np.uint8)
    images[np.arange(2 * n), labels] += 120
    return SimpleNamespace(
        train_images=images[:n],
        train_labels=labels[:n],
        test_images=images[n:],
        test_labels=labels[n:],
    )


def weights_of(network: torch.nn.Module) -> list[tuple[np.ndarray, np.ndarray]]:
    """(W, b) of each layer, in float64."""
    values = [p.detach().numpy().astype(np.float64) for p in network.parameters()]
    return list(zip(values[::2], values[1::2], strict=True))


def forward(weights: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray) -> list[np.ndarray]:
    """The activations of all layers, and the probabilities last."""
    layers = [X]
    for W, b in weights[:-1]:
        layers.append(np.maximum(layers[-1] @ W.T + b, 0))
    W, b = weights[-1]
    z = layers[-1] @ W.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return [*layers, e / e.sum(axis=1, keepdims=True)]


def gradients(
    weights: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray, y: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Back-propagation of the mean cross-entropy."""
    *layers, p = forward(weights, X)
    delta = (p - np.eye(p.shape[1])[y]) / len(y)
    result = []
    for (W, _), h in zip(weights[::-1], layers[::-1], strict=True):
        result.append((delta.T @ h, delta.sum(axis=0)))
        delta = (delta @ W) * (h > 0)
    return result[::-1]


def same_bits(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(
        a == b and x.dtype == y.dtype and x.numpy().tobytes() == y.numpy().tobytes()
        for (a, x), (b, y) in pairs
    )


@contextlib.contextmanager
def small_files_only() -> Iterator[None]:
    """No file of this process may grow beyond 1,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """The folder cannot be written to, also where the tests run as root."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
