"""A pass through all layers, forward and back, with the buffers for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hwlib.backprop._layer import Layer, Matrix
from hwlib.backprop._loss import CrossEntropy


class Pass:
    """The layers of a network, wired up for the rows of ``inputs``.

    Whoever writes other rows into ``inputs`` and ``labels``, or other numbers into the weights,
    needs no new one.

    Attributes:
        inputs: (m, n_0).
        labels: (m,), of the same rows.
        layers: First to last.
    """

    def __init__(
        self,
        weights: Sequence[Matrix],
        biases: Sequence[Matrix],
        activation: str,
        inputs: Matrix,
        labels: NDArray[np.int64],
    ) -> None:
        self.inputs, self.labels, self.layers = inputs, labels, list[Layer]()
        a, delta, last = inputs, None, len(weights) - 1
        for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
            layer = Layer(W, b, a, delta, activation if i < last else None)
            self.layers.append(layer)
            a, delta = layer.a, layer.delta
        self._loss = CrossEntropy(layer.a, layer.delta)

    def forward(self) -> Matrix:
        """The scores z of the last layer, (m, n_L)."""
        for layer in self.layers:
            layer.forward()
        return self.layers[-1].a

    def loss(self) -> float:
        """The mean cross-entropy of the rows, by way of :meth:`forward`."""
        self.forward()
        return self._loss.forward(self.labels)

    def backward(self) -> Iterator[Layer]:
        """Each layer, last to first, once its δ stands and it has passed it on.

        Whoever takes the layer may overwrite its weights: no other layer needs them any more.
        """
        self._loss.backward()
        for layer in reversed(self.layers):
            layer.backward()
            yield layer
