"""Stochastic gradient descent, on batches or one example at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from hwlib.backprop._layer import Matrix
from hwlib.backprop._pass import Pass

AXPY = {"f": blas.saxpy, "d": blas.daxpy}


@dataclass(frozen=True, eq=False)
class History:
    """What the loss was on the way.

    Attributes:
        loss: (epochs, steps per epoch), float64: the mean cross-entropy in nats of each batch, with
            the weights as they were before its step.
    """

    loss: NDArray[np.float64]


@dataclass(frozen=True)
class Descent:
    r"""The rule of a step: :math:`v \leftarrow \mu v + g`, :math:`w \leftarrow w - \eta v`.

    Attributes:
        learning_rate: η.
        momentum: μ; 0 is plain gradient descent.
    """

    learning_rate: float
    momentum: float


class Trainer:
    """Weights in training, with their velocities and with buffers for whole and last batches.

    Attributes:
        weights: Changed in place, as are the biases.
        biases: One for each layer.
    """

    def __init__(
        self, weights: Sequence[Matrix], biases: Sequence[Matrix], activation: str, rule: Descent
    ) -> None:
        self.weights, self.biases, self._activation, self._rule = weights, biases, activation, rule
        self._passes: dict[int, Pass] = {}
        self._velocities = [  # last layer first, as the gradients come
            (np.zeros_like(W), np.zeros_like(b))
            for W, b in zip(weights[::-1], biases[::-1], strict=True)
        ]

    def step(self, X: Matrix, y: NDArray[np.int64], rows: NDArray[np.int64]) -> float:
        """Descend once on these rows; return their loss before."""
        batch = self._loaded(X, y, rows)
        loss = batch.loss()
        eta, mu = self._rule.learning_rate, self._rule.momentum
        if not mu:
            for layer in batch.backward():
                layer.add_gradient(layer.W, layer.b, -eta, 1.0)
            return loss
        for layer, (vW, vb) in zip(batch.backward(), self._velocities, strict=True):
            layer.add_gradient(vW, vb, 1.0, mu)
            for v, parameter in ((vW, layer.W), (vb, layer.b)):
                AXPY[v.dtype.char](v.ravel(), parameter.ravel(), a=-eta)
        return loss

    def loss(self, X: Matrix, y: NDArray[np.int64], rows: NDArray[np.int64]) -> float:
        """The loss on these rows, without a step."""
        return self._loaded(X, y, rows).loss()

    def _loaded(self, X: Matrix, y: NDArray[np.int64], rows: NDArray[np.int64]) -> Pass:
        batch = self._pass(len(rows))
        # mode="clip" writes into the buffer itself; NumPy's default writes a copy first.
        X.take(rows, axis=0, out=batch.inputs, mode="clip")
        y.take(rows, out=batch.labels, mode="clip")
        return batch

    def _pass(self, m: int) -> Pass:
        if m not in self._passes:
            inputs = np.empty((m, len(self.weights[0])), self.weights[0].dtype)
            labels = np.empty(m, np.int64)
            self._passes[m] = Pass(self.weights, self.biases, self._activation, inputs, labels)
        return self._passes[m]


def descend(
    trainer: Trainer,
    X: Matrix,
    y: NDArray[np.int64],
    epochs: int,
    batch_size: int,
    order: np.random.Generator | None,
) -> History:
    """Train for some epochs, each in an order of its own, or in that of the rows.

    Raises:
        FloatingPointError: The loss, or at the end a weight, is not finite.
    """
    starts = range(0, len(X), batch_size)
    history = History(np.empty((epochs, len(starts))))
    with np.errstate(all="ignore"):  # what overflows is reported with its step instead
        for epoch, losses in enumerate(history.loss):
            rows = np.arange(len(X)) if order is None else order.permutation(len(X))
            for step, start in enumerate(starts):
                loss = trainer.step(X, y, rows[start : start + batch_size])
                if not math.isfinite(loss):
                    raise FloatingPointError(f"the loss is {loss} at {_place(epoch, step)}")
                losses[step] = loss
        loss = trainer.loss(X, y, rows[start : start + batch_size])
    if not all(np.isfinite(p).all() for p in (*trainer.weights, *trainer.biases)):
        raise FloatingPointError(f"a weight overflowed at {_place(epoch, step)}, the last")
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss} after {_place(epoch, step)}, the last")
    return history


def _place(epoch: int, step: int) -> str:
    return f"step {step + 1} of epoch {epoch + 1}"
