"""What the tests hold hwlib.backprop against: the same network in torch, with autograd."""

from __future__ import annotations

import numpy as np
import torch

F = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def parameters(network, dtype=torch.float64):
    """(W, b) of each layer as leaves of torch's graph, W of shape (n_in, n_out)."""
    return [
        (
            torch.tensor(W, dtype=dtype).requires_grad_(),
            torch.tensor(b, dtype=dtype).requires_grad_(),
        )
        for W, b in zip(network.weights, network.biases, strict=True)
    ]


def scores(layers, activation, X):
    a = torch.as_tensor(X, dtype=layers[0][0].dtype)
    for W, b in layers[:-1]:
        a = F[activation](a @ W + b)
    W, b = layers[-1]
    return a @ W + b


def loss_and_gradients(network, X, y):
    """By autograd, in float64."""
    layers = parameters(network)
    z = scores(layers, network.activation, X)
    loss = torch.nn.functional.cross_entropy(z, torch.as_tensor(np.asarray(y)))
    loss.backward()
    return loss.item(), [(W.grad.numpy(), b.grad.numpy()) for W, b in layers]


def magnitudes(network, X):
    """The gradients if no term cancelled another: rounding is measured against these.

    Also the largest number on the way, and how near a unit comes to the kink of a ReLU.
    """
    weights = [np.abs(W.astype(float)) for W in network.weights]
    a, signals, sums = np.asarray(X, float), [], []
    for W, b in zip(network.weights, network.biases, strict=True):
        signals.append(np.abs(a))
        sums.append(a @ W.astype(float) + b)
        a = F[network.activation](torch.from_numpy(sums[-1])).numpy()
    delta = np.full_like(sums[-1], 1 / len(a))
    found = []
    for W, signal in zip(reversed(weights), reversed(signals), strict=True):
        found.append((signal.T @ delta, delta.sum(axis=0)))
        delta = delta @ W.T
    largest = max(np.abs(z).max() for z in (*sums, *signals, *weights))
    nearest = min((np.abs(z).min() for z in sums[:-1]), default=1.0)
    return found[::-1], largest, nearest


def trained(network, X, y, batches, *, learning_rate, momentum=0.0):
    """The loss before each step, and the parameters after torch's own optimizer took them all."""
    layers = parameters(network)
    flat = [p for pair in layers for p in pair]
    optimizer = torch.optim.SGD(flat, lr=learning_rate, momentum=momentum)
    losses = []
    for rows in batches:
        z = scores(layers, network.activation, X[rows])
        loss = torch.nn.functional.cross_entropy(z, torch.as_tensor(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), [(W.detach().numpy(), b.detach().numpy()) for W, b in layers]


def in_batches(n, size):
    return [np.arange(n)[i : i + size] for i in range(0, n, size)]


def copies(network):
    return [p.copy() for p in (*network.weights, *network.biases)]


def same_bits(before, network):
    after = (*network.weights, *network.biases)
    return all(
        p.tobytes() == q.tobytes() and p.dtype == q.dtype
        for p, q in zip(before, after, strict=True)
    )


def clusters(n=200, d=6, classes=3, seed=0):
    """Points around centres that are far apart, one for each class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    return rng.normal(size=(classes, d))[y] * 2 + 0.3 * rng.normal(size=(n, d)), y
