"""The checks of problem 4, FashionMNIST. They need torch, as the answers do."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hwlib._extras import require
from hwlib.homework._answer import Answer, Failed, array, described
from hwlib.homework._pictures import PREDICTIONS, reaches
from hwlib.homework._problem import Check, Mistake, Part, Rng, alike, wrong

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "fashion-mnist"
SIZES = (784, 256, 128, 64, 10)
RATE = 0.5
SINGLE = 1e-4  # float32 sums of some hundred terms, relative; mistakes are off by 1e-2 and more
ENOUGH, HALF = 0.8, 0.6


def _network(answer: Answer) -> nn.Module:
    torch = require("torch", "torch")
    network = answer()
    if not isinstance(network, torch.nn.Module):
        raise Failed(f"build_network should return a torch module, not {described(network)}.")
    copied: nn.Module = copy.deepcopy(network).double().eval()
    return copied


def _scores(network: nn.Module, x: np.ndarray) -> np.ndarray:
    torch = require("torch", "torch")
    with torch.no_grad():
        return array(network(torch.tensor(x)), (len(x), 10), "What the network gives for n inputs")


def _shapes(answer: Answer, rng: Rng) -> None:
    network = _network(answer)
    _scores(network, rng.normal(size=(3, SIZES[0])))
    found = sorted(tuple(p.shape) for p in network.parameters())
    matrices = [(n_out, n_in) for n_in, n_out in pairwise(SIZES)]
    if found != sorted([*matrices, *((n_out,) for n_out, _ in matrices)]):
        told = "The layers do not have 784, 256, 128, 64 and 10 units."
        raise wrong(_LAYERS, told, found, matrices)


def _units(answer: Answer, rng: Rng) -> None:
    """ReLU networks without biases are positively homogeneous; nothing else in use is."""
    network = _network(answer)
    x = 3 * rng.normal(size=(200, SIZES[0]))
    values = _scores(network, x)
    if alike(values.sum(axis=1), np.ones(len(x))) and (values >= 0).all():
        raise Failed(_UNITS[0].idea)
    torch = require("torch", "torch")
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.zero_()
    one, two, opposite = (_scores(network, c * x) for c in (1.0, 2.0, -1.0))
    is_homogeneous = np.allclose(two, 2 * one, rtol=SINGLE, atol=SINGLE * np.abs(one).max())
    is_linear = np.allclose(opposite, -one, rtol=SINGLE, atol=SINGLE * np.abs(one).max())
    if is_linear or (one >= 0).all() or (one <= 0).all() or not is_homogeneous:
        told = "Doubling the inputs of a ReLU network without biases doubles its scores; not here."
        raise wrong(_UNITS, told, values, one, is_linear)


_LAYERS = (
    Mistake(
        "no-biases",
        "The layers have no biases.",
        lambda found, matrices: found == sorted(matrices),
    ),
    Mistake(
        "layer-missing",
        "There are fewer than four linear layers: the sizes are 784, 256, 128, 64 and 10.",
        lambda found, matrices: sum(len(shape) == 2 for shape in found) < len(matrices),
    ),
    Mistake(
        "layer-too-many",
        "There are more than four linear layers: the sizes are 784, 256, 128, 64 and 10.",
        lambda found, matrices: sum(len(shape) == 2 for shape in found) > len(matrices),
    ),
)
_UNITS = (
    Mistake(
        "softmax-at-the-end",
        "The network ends in a softmax, but the cross-entropy of torch takes scores and does that "
        "by itself.",
        lambda values, one, linear: bool(alike(values.sum(axis=1), np.ones(len(values)))),
    ),
    Mistake(
        "no-activation",
        "Without an activation between them, four linear layers are one linear layer.",
        lambda values, one, linear: bool(linear),
    ),
    Mistake(
        "relu-at-the-end",
        "No score is ever negative: is there a ReLU after the last layer?",
        lambda values, one, linear: bool((one >= 0).all()),
    ),
)


class _Steps:
    """A small model with its data, and how often it was stepped and called."""

    def __init__(self, rng: Rng, n: int) -> None:
        torch = require("torch", "torch")
        self.model = torch.nn.Linear(5, 4).double()
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.copy_(torch.tensor(rng.normal(size=tuple(parameter.shape))))
        self.X = torch.tensor(rng.normal(size=(n, 5)))
        self.y = torch.tensor(rng.integers(4, size=n))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)
        self.batches: list[np.ndarray] = []
        self.model.register_forward_hook(self._remember)

    def run(self, answer: Answer, batch_size: int) -> Any:
        """Let the answer train for an epoch; it is meant to change the model."""
        given = (self.model, self.optimizer, self.X, self.y, batch_size)
        return answer(*given, changes=True)

    def parameters(self) -> np.ndarray:
        """All parameters, in one vector."""
        flat = [p.detach().numpy().ravel() for p in self.model.parameters()]
        return np.concatenate(flat)

    def gradient(self, at: np.ndarray, shift: int = 0) -> np.ndarray:
        """The gradient of the mean cross-entropy, by the formula of problem 3."""
        X = self.X.numpy()
        W, b = at[:20].reshape(4, 5), at[20:]
        e = np.exp(X @ W.T + b)
        p = e / e.sum(axis=1, keepdims=True)
        delta = (p - np.eye(4)[(self.y.numpy() + shift) % 4]) / len(X)
        return np.concatenate([(delta.T @ X).ravel(), delta.sum(axis=0)])

    def _remember(self, _: Any, inputs: tuple[Tensor, ...], __: Any) -> None:
        self.batches.append(inputs[0].detach().numpy().copy())


def _one_step(answer: Answer, rng: Rng) -> None:
    """An epoch in a single batch is one step against the gradient of the mean."""
    n = int(rng.integers(6, 12))
    steps = _Steps(rng, n)
    before = steps.parameters()
    steps.run(answer, n)
    moved = (before - steps.parameters()) / RATE
    if not alike(moved, steps.gradient(before)):
        told = "A step does not follow the gradient of the mean cross-entropy of its batch."
        raise wrong(_STEPS, told, moved, before, steps)


def _epoch(answer: Answer, rng: Rng) -> None:
    """Every example once, in batches, with gradients that start anew."""
    size = int(rng.integers(3, 6))
    steps = _Steps(rng, 3 * size + 2)
    steps.run(answer, size)
    seen = sum(len(batch) for batch in steps.batches)
    expected = math.ceil(len(steps.X) / size)
    rows = np.concatenate(steps.batches) if steps.batches else np.zeros((0, 5))
    is_all = len(rows) == len(steps.X) and alike(
        rows[np.lexsort(rows.T)], steps.X.numpy()[np.lexsort(steps.X.numpy().T)]
    )
    if not is_all or len(steps.batches) != expected:
        told = f"Of {len(steps.X)} examples in batches of {size}, not each one came once."
        raise wrong(_EPOCHS, told, seen, len(steps.batches), size, steps)
    _second_step(answer, rng)


def _second_step(answer: Answer, rng: Rng) -> None:
    steps = _Steps(rng, 6)
    first = steps.parameters()
    steps.run(answer, 6)
    second = steps.parameters()
    steps.run(answer, 6)
    moved = (second - steps.parameters()) / RATE
    if not alike(moved, steps.gradient(second)):
        told = "The second step does not follow the gradient at the point that it starts from."
        raise wrong(_SECOND, told, moved, first, second, steps)


def _mean_loss(answer: Answer, rng: Rng) -> None:
    _one_step(answer, rng)
    n = 4 * int(rng.integers(2, 4))
    steps = _Steps(rng, n)
    for group in steps.optimizer.param_groups:
        group["lr"] = 0.0  # nothing moves, so the mean over the batches is that of all examples
    loss = float(array(steps.run(answer, 4), (), "What train_epoch returns"))
    scores = steps.X.numpy() @ steps.parameters()[:20].reshape(4, 5).T + steps.parameters()[20:]
    logs = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(n), steps.y.numpy()]
    if not alike(loss, logs.mean()):
        told = "The loss that is returned is not the mean over all examples of the epoch."
        raise wrong(_RETURNS, told, loss, logs)


_STEPS = (
    Mistake(
        "mean-forgotten",
        "The step is too long by the number of examples: the loss of a batch is their mean, not "
        "their sum.",
        lambda moved, before, steps: alike(moved, len(steps.X) * steps.gradient(before)),
    ),
    Mistake(
        "no-step",
        "Nothing moves: who takes the step, once the gradients are there?",
        lambda moved, before, steps: not moved.any(),
    ),
    Mistake(
        "labels-shifted-by-one",
        "The step teaches labels that are shifted by one: the classes are numbered from 0.",
        lambda moved, before, steps: any(
            alike(moved, steps.gradient(before, shift)) for shift in (1, -1)
        ),
    ),
)
_EPOCHS = (
    Mistake(
        "last-batch-dropped",
        "The last batch is left out if it is smaller than the others.",
        lambda seen, batches, size, steps: seen == len(steps.X) // size * size,
    ),
    Mistake(
        "one-batch-only",
        "There is a single step: an epoch goes through all examples, a batch at a time.",
        lambda seen, batches, size, steps: batches == 1,
    ),
)
_SECOND = (
    Mistake(
        "gradients-pile-up",
        "The second step also goes along the gradient of the first: torch adds gradients to those "
        "that are there already. What sets them back?",
        lambda moved, first, second, steps: alike(
            moved, steps.gradient(first) + steps.gradient(second)
        ),
    ),
)
_RETURNS = (
    Mistake(
        "loss-summed",
        "The loss that is returned is a sum. Over how many batches, or examples?",
        lambda loss, logs: alike(loss, logs.sum()) or alike(loss, logs.sum() / 4),
    ),
    Mistake(
        "loss-of-last-batch",
        "The loss that is returned is that of a single batch.",
        lambda loss, logs: not alike(loss, logs.mean()) and bool(logs.min() <= loss <= logs.max()),
    ),
)


def _labels(value: Any, n: int) -> np.ndarray:
    """The most probable classes.

    Raises:
        Failed: These are no probabilities of ten classes.
    """
    p = array(value, (n, 10), "What predict_proba returns for n pictures")
    if (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > SINGLE:
        raise wrong(_ROWS, "The rows are not probabilities: not negative, with the sum 1.", p)
    return np.asarray(p.argmax(axis=1))


_ROWS: tuple[Mistake, ...] = (
    Mistake(
        "wrong-axis",
        "The columns sum to 1, not the rows: the softmax was taken over the pictures.",
        lambda p: bool((p >= 0).all() and np.abs(p.sum(axis=0) - 1).max() <= SINGLE),
    ),
    Mistake(
        "logarithms",
        "These are the logarithms of the probabilities.",
        lambda p: bool((p <= 0).all() and np.abs(np.exp(p).sum(axis=1) - 1).max() <= SINGLE),
    ),
    Mistake(
        "scores",
        "These are the scores of the network. What turns them into probabilities?",
        lambda p: bool((p < 0).any()),
    ),
)

CHECKS = (
    Check(
        "4a",
        "build_network",
        (
            Part("The layers", 0.5, _shapes),
            Part("ReLU between them, scores at the end", 0.5, _units),
        ),
        (*_LAYERS, *_UNITS),
    ),
    Check(
        "4b",
        "train_epoch",
        (
            Part("A step of one batch, and the loss returned", 0.5, _mean_loss),
            Part("An epoch of many batches", 0.5, _epoch),
        ),
        (*_STEPS, *_EPOCHS, *_SECOND, *_RETURNS),
    ),
    Check(
        "4c",
        "predict_proba",
        (
            Part("60% of the held-out pictures right", 0.5, reaches(NAME, _labels, HALF)),
            Part("80% of the held-out pictures right", 0.5, reaches(NAME, _labels, ENOUGH)),
        ),
        (*PREDICTIONS, *_ROWS),
    ),
)
