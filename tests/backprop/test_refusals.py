"""What is refused, in which words; and that the network is then as it was."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from tests.backprop import reference

from hwlib.backprop import Network, gradient_check

X, y = reference.clusters(50)


def spoiled(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    "sizes", [(), (784,), (784, 0), (0, 10), (784, -1, 10), (784, 10.0), "784", 784, None]
)
def test_bad_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="at least two positive integers"):
        Network(sizes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"activation": "swish"},
            "activation must be one of 'relu', 'sigmoid', 'tanh', not 'swish'",
        ),
        ({"activation": None}, "activation must be one of"),
        ({"init": "xavier"}, "init must be one of 'he', 'homework', not 'xavier'"),
        ({"init": ["he"]}, "init must be one of"),
        ({"dtype": np.float16}, "dtype must be float32 or float64"),
        ({"dtype": int}, "dtype must be float32 or float64"),
        ({"dtype": None}, "dtype must be float32 or float64, not None"),
        ({"dtype": ">f4"}, "dtype must be float32 or float64"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Network((6, 5, 3), **options)


INPUTS = [
    (X[:, :5], y, ValueError, r"X has shape \(50, 5\), but the network takes rows of 6 numbers"),
    (X[0], y[:1], ValueError, r"write X\[None\] for a single example"),
    (X.reshape(50, 2, 3), y, ValueError, r"write X.reshape\(len\(X\), -1\) for pictures"),
    (X[:0], y[:0], ValueError, "X is empty"),
    (spoiled(X, (3, 1), np.nan), y, ValueError, r"X\[3, 1\] is nan"),
    (spoiled(X, (49, 5), -np.inf), y, ValueError, r"X\[49, 5\] is -inf"),
    (X.astype(str), y, TypeError, "X must be an array of real numbers"),
    (X + 0j, y, TypeError, "X must be an array of real numbers"),
    (sparse.csr_matrix(X), y, TypeError, r"convert it with X.toarray\(\)"),
]
LABELS = [
    (X, y[:49], ValueError, r"y has shape \(49,\), but X has 50 rows"),
    (X, y[:, None], ValueError, r"y has shape \(50, 1\)"),
    (X, spoiled(y, 7, 3), ValueError, r"y\[7\] is 3, but the network's classes are 0 to 2"),
    (X, spoiled(y, 8, -1), ValueError, r"y\[8\] is -1"),
    (X, y.astype(float), TypeError, r"y must hold integers, not dtype float64.*astype\(int\)"),
    (X, y == 1, TypeError, "y must hold integers"),
    (X, np.eye(3)[y], TypeError, r"y.argmax\(axis=1\)"),
    (X, [None] * 50, TypeError, "y must hold integers"),
]


@pytest.mark.parametrize(("X", "y", "kind", "words"), [*INPUTS, *LABELS])
@pytest.mark.parametrize("method", ["fit", "loss_and_gradients", "score", "check"])
def test_bad_data_are_refused_by_all_that_take_labels(method, X, y, kind, words):
    network = Network((6, 5, 3))
    before = reference.copies(network)
    call = partial(gradient_check, network) if method == "check" else getattr(network, method)
    with pytest.raises(kind, match=words):
        call(X, y)
    assert reference.same_bits(before, network)


@pytest.mark.parametrize(("X", "y", "kind", "words"), INPUTS)
@pytest.mark.parametrize("method", ["forward", "predict_proba"])
def test_bad_inputs_are_refused(method, X, y, kind, words):  # noqa: ARG001
    with pytest.raises(kind, match=words):
        getattr(Network((6, 5, 3)), method)(X)


def test_what_float32_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"X\[2, 0\] is 1e\+300: .* finite in float32"):
        Network((6, 3), dtype=np.float32).forward(spoiled(X, (2, 0), 1e300))


@pytest.mark.parametrize("row", [4095, 4096, 5000, 9999])
def test_a_bad_entry_far_down_is_found(row):
    with pytest.raises(ValueError, match=rf"X\[{row}, 0\] is nan"):
        Network((1, 2)).forward(spoiled(np.zeros((10_000, 1)), (row, 0), np.nan))


def test_of_bad_entries_the_first_is_named():
    array = spoiled(np.zeros((6_000, 2)), ([4_500, 4_500, 5_000], [1, 0, 0]), np.inf)
    with pytest.raises(ValueError, match=r"X\[4500, 0\] is inf"):
        Network((2, 2)).forward(array)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "batch_size must be a positive integer, not 0"),
        ({"batch_size": -3}, "batch_size must be a positive integer"),
        ({"batch_size": 2.0}, "batch_size must be a positive integer"),
        ({"batch_size": True}, "batch_size must be a positive integer"),
        ({"batch_size": 51}, "batch_size is 51, but there are only 50 examples"),
        ({"epochs": 0}, "epochs must be a positive integer"),
        ({"epochs": None}, "epochs must be a positive integer"),
        ({"learning_rate": 0}, "learning_rate must be positive and finite, not 0"),
        ({"learning_rate": -0.1}, "learning_rate must be positive"),
        ({"learning_rate": np.inf}, "learning_rate must be positive and finite"),
        ({"learning_rate": np.nan}, "learning_rate must be positive and finite"),
        ({"learning_rate": "0.1"}, "learning_rate must be positive and finite"),
        ({"momentum": 1}, r"momentum must lie in \[0, 1\), not 1"),
        ({"momentum": -0.1}, r"momentum must lie in \[0, 1\)"),
        ({"momentum": np.nan}, r"momentum must lie in \[0, 1\)"),
    ],
)
def test_bad_training_is_refused(options, words):
    network = Network((6, 5, 3))
    before = reference.copies(network)
    with pytest.raises(ValueError, match=words):
        network.fit(X, y, **options)
    assert reference.same_bits(before, network)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: n.weights.pop(), "has 2 weights and biases, but weights holds 1"),
        (lambda n: n.biases.append(np.zeros(3)), "biases 3"),
        (lambda n: n.weights.__setitem__(1, np.zeros((3, 5))), r"weights\[1\] has shape \(3, 5\)"),
        (lambda n: n.biases.__setitem__(0, np.zeros(4)), r"biases\[0\] has shape \(4,\)"),
        (
            lambda n: n.weights[0].__setitem__((0, 0), np.nan),
            r"weights\[0\] holds an entry that is",
        ),
    ],
)
@pytest.mark.parametrize("method", ["fit", "loss_and_gradients", "score"])
def test_weights_that_do_not_fit_are_refused(method, change, words):
    network = Network((6, 5, 3))
    change(network)
    with pytest.raises(ValueError, match=words):
        getattr(network, method)(X, y)


class TestDivergence:
    @staticmethod
    def first_bad_step(network, X, y, batches, rate):
        """By hand: descend by gradients until the loss is no longer finite."""
        with np.errstate(all="ignore"):
            for step, rows in enumerate(batches, start=1):
                try:
                    loss, gradients = network.loss_and_gradients(X[rows], y[rows])
                except ValueError:  # a weight overflowed
                    return step
                if not np.isfinite(loss):
                    return step
                pairs = zip(network.weights, network.biases, gradients, strict=True)
                for W, b, (dW, db) in pairs:
                    W -= rate * dW
                    b -= rate * db
        return None

    @pytest.mark.parametrize("momentum", [0.0, 0.5])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_it_is_found_and_the_network_put_back(self, dtype, momentum):
        network = Network((6, 5, 3), dtype=dtype)
        before = reference.copies(network)
        with pytest.raises(FloatingPointError, match=r"diverged: the loss is .* at step") as caught:
            network.fit(X, y, epochs=50, batch_size=5, learning_rate=1e30, momentum=momentum)
        assert "The network is as it was. Lower the learning rate, 1e+30" in str(caught.value)
        assert reference.same_bits(before, network)

    def test_the_step_is_the_first_whose_loss_is_not_finite(self):
        network, twin = Network((6, 5, 3)), Network((6, 5, 3))
        batches = reference.in_batches(50, 5) * 20
        step = self.first_bad_step(twin, X, y, batches, 1e12)
        assert step is not None
        assert step > 3
        place = f"at step {(step - 1) % 10 + 1} of epoch {(step - 1) // 10 + 1}. The network"
        with pytest.raises(FloatingPointError, match=place):
            network.fit(X, y, epochs=20, batch_size=5, learning_rate=1e12, shuffle=False)

    def test_weights_that_overflow_in_the_last_step_are_found(self):
        network = Network((6, 3), dtype=np.float32)
        before = reference.copies(network)
        with pytest.raises(FloatingPointError, match="a weight overflowed at step 1 of epoch 1"):
            network.fit(1e15 * X[:1], y[:1], batch_size=1, learning_rate=1e30)
        assert reference.same_bits(before, network)

    def test_an_interrupt_leaves_the_network_alone(self, monkeypatch):
        network = Network((6, 5, 3))
        before = reference.copies(network)
        calls = iter(range(4))

        def interrupt(*_):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return np.float64(1.0)

        monkeypatch.setattr("hwlib.backprop._pass.CrossEntropy.forward", interrupt)
        with pytest.raises(KeyboardInterrupt):
            network.fit(X, y, batch_size=5)
        assert reference.same_bits(before, network)
