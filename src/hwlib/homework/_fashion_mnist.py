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
from hwlib.softmax import softmax

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
    copied: nn.Module = copy.deepcopy(network).cpu().double().eval()
    return copied


def _scores(answer: Answer, network: nn.Module, x: np.ndarray) -> np.ndarray:
    torch = require("torch", "torch")
    values = answer.use(network, torch.tensor(x))
    return array(values, (len(x), 10), "What the network gives for n inputs")


def _parameters(network: nn.Module) -> dict[tuple[int, ...], np.ndarray]:
    """Weights and biases by their shapes: no two of the right network are of the same one.

    Raises:
        Failed: They are not those of the right layers.
    """
    found = sorted(tuple(p.shape) for p in network.parameters())
    matrices = [(n_out, n_in) for n_in, n_out in pairwise(SIZES)]
    if found != sorted([*matrices, *((n_out,) for n_out, _ in matrices)]):
        told = "The parameters are not those of linear layers of 784, 256, 128, 64 and 10 units."
        raise wrong(_LAYERS, told, found, matrices)
    return {tuple(p.shape): p.detach().numpy() for p in network.parameters()}


def _shapes(answer: Answer, rng: Rng) -> None:
    network = _network(answer)
    _parameters(network)
    _scores(answer, network, rng.normal(size=(3, SIZES[0])))


def _dense(parameters: dict[tuple[int, ...], np.ndarray], x: np.ndarray, on: str) -> np.ndarray:
    """What the layers give with a ReLU after each for which ``on`` has a 1."""
    for (n_in, n_out), is_on in zip(pairwise(SIZES), on, strict=True):
        x = x @ parameters[n_out, n_in].T + parameters[n_out,]
        x = np.maximum(x, 0) if is_on == "1" else x
    return x


def _units(answer: Answer, rng: Rng) -> None:
    network = _network(answer)
    parameters = _parameters(network)
    x = 3 * rng.normal(size=(200, SIZES[0]))
    values = _scores(answer, network, x)
    if not alike(values, _dense(parameters, x, "1110")):
        told = "Between the layers there is something else than a ReLU, or after the last one."
        raise wrong(_UNITS, told, values, parameters, x)


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
        lambda values, *_: any(
            alike(v.sum(axis=1), np.ones(len(v))) for v in (values, np.exp(values))
        ),
    ),
    Mistake(
        "no-activation",
        "Without an activation between them, four linear layers are one linear layer.",
        lambda values, parameters, x: alike(values, _dense(parameters, x, "0000")),
    ),
    Mistake(
        "activation-missing",
        "Between two of the layers there is no activation, so that these two are one linear layer.",
        lambda values, parameters, x: any(
            alike(values, _dense(parameters, x, on))
            for on in ("0110", "1010", "1100", "0010", "0100", "1000")
        ),
    ),
    Mistake(
        "relu-at-the-end",
        "No score is ever negative: is there a ReLU after the last layer?",
        lambda values, *_: bool((values >= 0).all()),
    ),
)


class _Steps:
    """A small model with its data, and the examples that each step was made from."""

    def __init__(self, rng: Rng, n: int) -> None:
        torch = require("torch", "torch")
        self.model = torch.nn.Linear(5, 4).double()
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.copy_(torch.tensor(rng.normal(size=tuple(parameter.shape))))
        self.X = torch.tensor(rng.normal(size=(n, 5)))
        self.y = torch.tensor(rng.integers(4, size=n))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)
        self.batches: list[list[int]] = []
        self._seen: set[int] = set()  # since the last step
        self.model.register_forward_hook(self._remember)
        self.optimizer.register_step_post_hook(self._stepped)

    def run(self, answer: Answer, batch_size: int) -> Any:
        """Let the answer train for an epoch; it is meant to change the model."""
        given = (self.model, self.optimizer, self.X, self.y, batch_size)
        return answer(*given, changes=True)

    def parameters(self) -> np.ndarray:
        """All parameters, in one vector."""
        flat = [p.detach().numpy().ravel() for p in self.model.parameters()]
        return np.concatenate(flat)

    def losses(self, at: np.ndarray) -> np.ndarray:
        """The cross-entropy of each example."""
        chosen = self._probabilities(at)[np.arange(len(self.y)), self.y.numpy()]
        return np.asarray(-np.log(chosen))

    def gradient(self, at: np.ndarray, shift: int = 0, rows: Any = slice(None)) -> np.ndarray:
        """The gradient of the mean cross-entropy, by the formula of problem 3."""
        wanted = np.eye(4)[(self.y.numpy() + shift) % 4]
        delta = (self._probabilities(at) - wanted)[rows]
        delta /= len(delta)
        return np.concatenate([(delta.T @ self.X.numpy()[rows]).ravel(), delta.sum(axis=0)])

    def followed(self, at: np.ndarray, piles: bool = False) -> np.ndarray:
        """Where the steps lead, batch by batch; with ``piles`` no gradient is ever set back."""
        gradient = np.zeros_like(at)
        for rows in self.batches:
            gradient = piles * gradient + self.gradient(at, rows=rows)
            at = at - RATE * gradient
        return at

    def _probabilities(self, at: np.ndarray) -> np.ndarray:
        return softmax(self.X.numpy() @ at[:20].reshape(4, 5).T + at[20:])

    def _remember(self, _: Any, inputs: tuple[Tensor, ...], __: Any) -> None:
        if require("torch", "torch").is_grad_enabled():
            rows = inputs[0].detach().numpy().reshape(-1, 1, 5)
            is_row = (rows == self.X.numpy()).all(axis=2)
            self._seen.update(int(hit.argmax()) if hit.any() else -1 for hit in is_row)

    def _stepped(self, *_: Any) -> None:
        self.batches.append(sorted(self._seen))
        self._seen = set()


def _one_step(answer: Answer, rng: Rng) -> None:
    """An epoch in a single batch is one step against the gradient of the mean."""
    n = int(rng.integers(6, 12))
    steps = _Steps(rng, n)
    before = steps.parameters()
    loss = steps.run(answer, n)
    moved = (before - steps.parameters()) / RATE
    if not alike(moved, steps.gradient(before)):
        told = "A step does not follow the gradient of the mean cross-entropy of its batch."
        raise wrong(_STEPS, told, moved, before, steps)
    _compare_loss(loss, steps, before)


def _epoch(answer: Answer, rng: Rng) -> None:
    """Every example once, in batches, with gradients that start anew."""
    size = int(rng.integers(3, 6))
    steps = _Steps(rng, 3 * size + 2)
    before = steps.parameters()
    steps.run(answer, size)
    if not steps.batches:
        raise Failed(_NO_STEP.idea)
    seen = [row for rows in steps.batches for row in rows]
    expected = math.ceil(len(steps.X) / size)
    if sorted(seen) != list(range(len(steps.X))) or len(steps.batches) != expected:
        told = f"Of {len(steps.X)} examples in batches of {size}, not each one came once."
        raise wrong(_EPOCHS, told, len(seen), len(steps.batches), size, steps)
    if not alike(steps.parameters(), steps.followed(before)):
        told = "Not every step follows the gradient of its own batch, at the point it starts from."
        raise wrong(_SECOND, told, steps.parameters(), before, steps)
    if seen == sorted(seen):
        raise Failed(_NOT_SHUFFLED.idea)


def _mean_loss(answer: Answer, rng: Rng) -> None:
    _one_step(answer, rng)
    steps = _Steps(rng, 4 * int(rng.integers(2, 4)) + 1)
    for group in steps.optimizer.param_groups:
        group["lr"] = 0.0  # nothing moves, so the mean over the epoch is that of all examples
    _compare_loss(steps.run(answer, 4), steps, steps.parameters())


def _compare_loss(returned: Any, steps: _Steps, before: np.ndarray) -> None:
    """Hold what an epoch returned against the losses before its steps."""
    loss = float(array(returned, (), "What train_epoch returns"))
    seen = [row for rows in steps.batches for row in rows]
    losses = steps.losses(before)[seen]
    if not alike(loss, losses.mean()):
        told = "The loss that is returned is not the mean over all examples of the epoch."
        batches = [steps.losses(before)[rows].mean() for rows in steps.batches]
        after = steps.losses(steps.parameters()).mean()
        raise wrong(_RETURNS, told, loss, losses, batches, after)


_NO_STEP = Mistake(
    "no-step",
    "Nothing moves: is a step taken, and are the gradients still there when it is?",
    lambda moved, before, steps: not moved.any(),
)
_STEPS = (
    Mistake(
        "mean-forgotten",
        "The step is too long by the number of examples: the loss of a batch is their mean, not "
        "their sum.",
        lambda moved, before, steps: alike(moved, len(steps.X) * steps.gradient(before)),
    ),
    _NO_STEP,
    Mistake(
        "labels-shifted-by-one",
        "The step teaches labels that are shifted by one: the classes are numbered from 0.",
        lambda moved, before, steps: any(
            alike(moved, steps.gradient(before, shift)) for shift in (1, -1)
        ),
    ),
)
_NOT_SHUFFLED = Mistake(
    "not-shuffled",
    "The examples come in the order in which they are stored.",
    lambda seen: seen == sorted(seen),
)
_EPOCHS = (
    Mistake(
        "last-batch-dropped",
        "The last batch is left out if it is smaller than the others.",
        lambda seen, batches, size, steps: seen == len(steps.X) // size * size,
    ),
    Mistake(
        "one-batch-only",
        "There is a single step: an epoch goes through all examples, and takes a step for each "
        "batch.",
        lambda seen, batches, size, steps: batches == 1,
    ),
)
_SECOND = (
    Mistake(
        "gradients-pile-up",
        "The second step also goes along the gradient of the first: torch adds gradients to those "
        "that are there already. What sets them back, and how often?",
        lambda after, before, steps: alike(after, steps.followed(before, piles=True)),
    ),
)
_RETURNS = (
    Mistake(
        "loss-summed",
        "The loss that is returned is a sum. Over how many batches, or examples?",
        lambda loss, losses, batches, after: (
            alike(loss, losses.sum()) or (len(batches) > 1 and alike(loss, sum(batches)))
        ),
    ),
    Mistake(
        "mean-of-batches",
        "The loss that is returned is the mean of the batches' means, in which the examples of a "
        "smaller batch count more than others.",
        lambda loss, losses, batches, after: alike(loss, np.mean(batches)),
    ),
    Mistake(
        "loss-after-the-step",
        "The loss that is returned is that after the step. How wrong was the network before?",
        lambda loss, losses, batches, after: alike(loss, after),
    ),
    Mistake(
        "loss-of-last-batch",
        "The loss that is returned is that of a single batch.",
        lambda loss, losses, batches, after: any(alike(loss, mean) for mean in batches),
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
        (*_STEPS, *_EPOCHS, *_SECOND, _NOT_SHUFFLED, *_RETURNS),
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
