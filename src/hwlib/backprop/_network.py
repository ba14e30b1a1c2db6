"""The network: its weights, what it makes of inputs, and how it learns."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from hwlib.backprop import _checks, _storage
from hwlib.backprop._layer import Matrix
from hwlib.backprop._loss import softmax
from hwlib.backprop._pass import Pass
from hwlib.backprop._training import Descent, History, Trainer, descend

_INITS = ("he", "homework")
_KINDS = ("weights", "biases")
_BATCH = 64
_CHUNK = 4096  # rows that go through at once where all are wanted


class Network:
    r"""A dense network with softmax output, and the gradients of its mean cross-entropy.

    .. math::

        a_0 = x, \quad z_\ell = W_\ell a_{\ell-1} + b_\ell, \quad
        a_\ell = f(z_\ell) \ (\ell < L), \quad p = \operatorname{softmax}(z_L), \quad
        C = -\log p_y

    Args:
        sizes: :math:`n_0, \dots, n_L`: inputs, hidden units of each layer, classes. With two sizes
            this is logistic regression.
        activation: f of the hidden units: ``"relu"``, ``"sigmoid"`` or ``"tanh"``.
        init: Weights are normal with mean 0. ``"he"``: variance :math:`2/n_{\ell-1}`, which keeps
            the size of signals through ReLUs; ``"homework"``: :math:`1/\max(n_{\ell-1}, n_\ell)`.
            Biases are 0.
        seed: Of the weights. Networks of one seed differ between dtypes by the rounding only.
        dtype: ``float64`` or ``float32``, which is about twice as fast.

    Attributes:
        sizes: As given.
        activation: As given.
        dtype: As given.
        weights: List of L arrays, (n_in, n_out): number :math:`\ell - 1` is :math:`W_\ell^\top`.
            Yours to change, in place or by new arrays of these shapes.
        biases: List of L arrays, (n_out,).

    Raises:
        ValueError: There are fewer than two sizes, one is not a positive integer, or activation,
            init or dtype is none of those.

    Source:
        D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating
        errors*, Nature 323, 1986, https://doi.org/10.1038/323533a0. For ``"he"``: K. He, X. Zhang,
        S. Ren, J. Sun, 2015, https://doi.org/10.1109/ICCV.2015.123. The chapter *Back-propagation
        from scratch* derives all of it.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> network = Network((2, 8, 2), "tanh", seed=1)
        >>> history = network.fit(X, [0, 1, 1, 0], epochs=500, batch_size=4, learning_rate=0.5)
        >>> network.score(X, [0, 1, 1, 0])
        1.0
    """

    def __init__(
        self,
        sizes: Sequence[SupportsIndex],
        activation: str = "relu",
        init: str = "he",
        seed: int = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.sizes = _checks.checked_sizes(sizes)
        self.activation = _checks.checked_activation(activation)
        self.dtype = _checks.checked_dtype(dtype)
        init = _checks.checked_choice("init", init, _INITS)
        rng = np.random.default_rng(seed)
        self.weights: list[Matrix] = [
            (rng.normal(size=shape) * _deviation(init, *shape)).astype(self.dtype)
            for shape in pairwise(self.sizes)
        ]
        self.biases: list[Matrix] = [np.zeros(n, self.dtype) for n in self.sizes[1:]]

    def __repr__(self) -> str:
        return f"Network({self.sizes}, {self.activation!r}, dtype={self.dtype})"

    def forward(self, X: ArrayLike) -> Matrix:
        r"""The scores :math:`z_L`, ahead of the softmax.

        Args:
            X: (n, n_0), of any real dtype.

        Returns:
            (n, n_L), in the network's dtype. :meth:`predict_proba` gives probabilities.

        Raises:
            TypeError: X does not hold real numbers.
            ValueError: X is empty, of another width, or not finite; a weight is not; or the scores
                overflow.
        """
        rows, parameters = self._inputs(X), self._parameters()
        unlabelled = np.zeros(_CHUNK, np.int64)
        chunks = (rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK))
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [Pass(*parameters, self.activation, c, unlabelled).forward() for c in chunks]
        scores = np.concatenate(parts)
        if not np.isfinite(scores).all():
            raise ValueError(f"the scores overflow {self.dtype}: the weights are too large")
        return scores

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Class probabilities, the softmax of :meth:`forward`.

        Args:
            X: As for :meth:`forward`.

        Returns:
            (n, n_L), float64; each row sums to 1 within a few units of 2⁻⁵³.

        Raises:
            TypeError: As for :meth:`forward`.
            ValueError: As for :meth:`forward`.
        """
        return softmax(self.forward(X))

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """The accuracy: the share of rows whose most probable class is their label.

        Args:
            X: As for :meth:`forward`.
            y: (n,) integers from 0 to n_L − 1.

        Raises:
            TypeError: X or y is of a wrong type.
            ValueError: X and y do not fit each other or the network.
        """
        scores = self.forward(X)
        labels = _checks.checked_labels(y, len(scores), self.sizes[-1])
        return float((scores.argmax(axis=1) == labels).mean())

    def loss_and_gradients(
        self, X: ArrayLike, y: ArrayLike
    ) -> tuple[float, list[tuple[Matrix, Matrix]]]:
        r"""The mean cross-entropy :math:`\bar C` of the rows, and its gradients.

        .. math::

            \delta_L = \frac{p - [k = y]}{n}, \qquad
            \delta_{\ell-1} = (\delta_\ell W_\ell) \odot f'(z_{\ell-1}), \qquad
            \frac{\partial\bar C}{\partial W_\ell^\top} = a_{\ell-1}^\top \delta_\ell, \qquad
            \frac{\partial\bar C}{\partial b_\ell} = \delta_\ell^\top 1

        with the examples in rows. At the kink of the ReLU its derivative counts as 0.

        Args:
            X: As for :meth:`forward`.
            y: As for :meth:`score`.

        Returns:
            The loss in nats; and for each layer, first to last, the gradients of its weights and of
            its biases, of their shapes and in the network's dtype: new arrays, each.

        Raises:
            TypeError: X or y is of a wrong type.
            ValueError: X and y do not fit each other or the network.
        """
        rows = self._inputs(X)
        labels = _checks.checked_labels(y, len(rows), self.sizes[-1])
        whole = Pass(*self._parameters(), self.activation, rows, labels)
        loss = whole.loss()
        gradients = []
        for layer in whole.backward():
            gradients.append((np.empty_like(layer.W), np.empty_like(layer.b)))
            layer.add_gradient(*gradients[-1])
        return loss, gradients[::-1]

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        shuffle: bool = True,
        seed: int = 0,
    ) -> History:
        r"""Minimize the mean cross-entropy by stochastic gradient descent.

        For each batch, with the gradient g of its mean loss and v = 0 at the start,

        .. math:: v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v .

        Without momentum g goes right into the weights, and is never written down.

        Args:
            X: (n, n_0), of any real dtype; copied only if not C-ordered or of another dtype.
            y: (n,) integers from 0 to n_L − 1.
            epochs: Passes over all rows.
            batch_size: Rows in a step; 1 is one example at a time. The last batch of an epoch may
                be smaller. None takes 64, or all rows where there are fewer.
            learning_rate: η.
            momentum: μ in [0, 1).
            shuffle: Whether each epoch has an order of its own; else that of the rows.
            seed: Of the orders, which ``numpy.random.default_rng(seed)`` gives as
                ``permutation(n)``, one after the other.

        Returns:
            The loss of each batch before its step.

        Raises:
            TypeError: X or y is of a wrong type.
            ValueError: X, y or an option cannot be used; the message says why.
            FloatingPointError: The loss stopped being finite; the message says at which step.

        After an error, or an interrupt, the network is what it was before the call.
        """
        rows = self._inputs(X)
        labels = _checks.checked_labels(y, len(rows), self.sizes[-1])
        steps = _checks.checked_count("epochs", epochs)
        size = min(_BATCH, len(rows)) if batch_size is None else batch_size
        size = _checks.checked_count("batch_size", size, len(rows))
        rule = Descent(_checks.checked_rate(learning_rate), _checks.checked_momentum(momentum))
        order = np.random.default_rng(seed) if shuffle else None
        weights, biases = ([p.copy() for p in group] for group in self._parameters())
        trainer = Trainer(weights, biases, self.activation, rule)
        try:
            history = descend(trainer, rows, labels, steps, size, order)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"training diverged: {error}. The network is as it was. Lower the learning rate, "
                f"{learning_rate} with momentum {momentum}, or scale the inputs"
            ) from None
        self.weights, self.biases = weights, biases
        return history

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one ``.npz`` file, complete or not at all.

        Raises:
            ValueError: A weight is not finite, or of a wrong shape.
            OSError: The file cannot be written; an older one is unchanged.
        """
        weights, biases = self._parameters()
        parts: dict[str, Any] = {
            "sizes": np.array(self.sizes),
            "activation": np.array(self.activation),
        }
        for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
            parts |= {f"weights_{i}": W, f"biases_{i}": b}
        _storage.write(path, parts)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Read a network that :meth:`save` wrote, bit by bit; nothing in the file is executed.

        Raises:
            OSError: There is no such file, or it cannot be read.
            ValueError: The file is damaged, or :meth:`save` did not write it.
        """
        parts = _storage.read(path)
        try:
            layers = range(len(parts["sizes"]) - 1)
            weights, biases = ([parts[f"{kind}_{i}"] for i in layers] for kind in _KINDS)
            sizes = _checks.checked_sizes(parts["sizes"].tolist())
            dtype = _checks.checked_dtype(weights[0].dtype)
            if any(part.dtype != dtype for part in (*weights, *biases)):
                raise ValueError("its arrays are of several types")
            # Ahead of the network, which draws weights of these sizes, however large.
            _checks.checked_parameters(sizes, weights, biases, dtype)
            network = cls(sizes, str(parts["activation"]), dtype=dtype)
            network.weights, network.biases = weights, biases
            network._parameters()
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _storage.unreadable(path, error) from error
        return network

    def _inputs(self, X: ArrayLike) -> Matrix:
        return _checks.checked_inputs(X, self.sizes[0], self.dtype)

    def _parameters(self) -> tuple[list[Matrix], list[Matrix]]:
        return _checks.checked_parameters(self.sizes, self.weights, self.biases, self.dtype)


def _deviation(init: str, n_in: int, n_out: int) -> float:
    """The standard deviation of a weight."""
    return math.sqrt(2 / n_in if init == "he" else 1 / max(n_in, n_out))
