"""The network decides as the written-out sum does, at every floating-point number."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwlib import boxes

EPS = 2.0**-52

numbers = st.floats(allow_nan=False, allow_infinity=False)
usual = st.floats(-4, 4)
dyadic = st.integers(-64, 64).map(lambda k: k / 8)


def written_out(network, x):
    """The definition: every product, every sign, one sum."""
    x = np.asarray(x)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        z = network.weights * x[..., None] + network.biases
        return np.heaviside(z, 0) @ network.output_weights + network.output_bias


@st.composite
def networks(draw, entries):
    m = draw(st.integers(0, 8))
    three = [draw(st.lists(entries, min_size=m, max_size=m)) for _ in range(3)]
    return boxes.StepNetwork(*map(np.array, three), draw(entries))


def places(network, others):
    """Points where something may go wrong: next to where a step changes, and far out."""
    with np.errstate(all="ignore"):
        near = -network.biases / network.weights
    near = near[np.isfinite(near)]
    tiny, huge = np.finfo(float).smallest_subnormal, np.finfo(float).max
    x = np.concatenate([near, others, [0, tiny, -tiny, 1e-300, huge, -huge, np.inf, -np.inf]])
    for _ in range(4):
        with np.errstate(over="ignore"):
            x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
    return np.unique(x)


@given(networks(dyadic), st.lists(dyadic, max_size=5))
def test_dyadic_weights_give_the_exact_sum(network, others):
    x = places(network, others)
    np.testing.assert_array_equal(network(x), written_out(network, x))


@given(networks(usual), st.lists(usual, max_size=5))
def test_the_sum_is_within_its_bound(network, others):
    x = places(network, others)
    m = len(network.weights)
    bound = m * EPS * (np.abs(network.output_weights).sum() + abs(network.output_bias))
    assert (np.abs(network(x) - written_out(network, x))[np.isfinite(x)] <= bound).all()


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), st.lists(numbers, max_size=5))
def test_every_step_decides_by_the_floating_point_sign(pairs, others):
    w, b = np.array(pairs).T
    c = 2.0 ** np.arange(len(w))  # the sum tells which steps fire
    network = boxes.StepNetwork(w, b, c)
    x = places(network, others)
    np.testing.assert_array_equal(network(x), written_out(network, x))
    mixed = np.random.default_rng(0).permutation(x)
    np.testing.assert_array_equal(network(mixed), written_out(network, mixed))


@pytest.mark.parametrize("w", [5e-324, 1e-310, 1e-300, 0.1, 3.0, 1e300])
@pytest.mark.parametrize("b", [0.0, -5e-324, -1e-310, 1e-300, -0.3, 7.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_underflow_moves_the_threshold(w, b, sign):
    network = boxes.StepNetwork([sign * w], [b], [1])
    x = places(network, 10.0 ** np.arange(-320, 308, 3.0))
    x = np.concatenate([x, -x])
    np.testing.assert_array_equal(network(x), written_out(network, x))


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "i8", "f2", "f4", "f8", "g"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3, 4)])
def test_any_dtype_and_shape(dtype, shape):
    rng = np.random.default_rng(0)
    network = boxes.StepNetwork(*rng.normal(size=(3, 20)), 0.5)
    x = np.asarray(rng.integers(0, 5, size=shape)).astype(dtype)
    found = network(x)
    assert found.shape == shape
    assert found.dtype == np.float64
    bound = 20 * EPS * np.abs(network.output_weights).sum()
    np.testing.assert_allclose(found, written_out(network, x), rtol=0, atol=bound)


def test_longer_numbers_are_not_rounded_first():
    third = np.longdouble(1) / 3
    network = boxes.StepNetwork([1], [-float(third)], [1])
    x = np.array([float(third), np.nextafter(np.longdouble(float(third)), 1)])
    np.testing.assert_array_equal(network(x), written_out(network, x))


def test_nan_stays_nan():
    network = boxes.StepNetwork([1, 0], [0, 1], [1, 1])
    assert np.isnan(network([np.nan, np.inf])).all()  # 0·∞ is not a number either
    assert network(0.5) == 2
    assert np.isnan(boxes.StepNetwork([[1, 1]], [0], [1])([[np.nan, 1]])).all()


def test_no_steps_are_a_constant():
    for weights in ([], np.zeros((0, 2))):
        network = boxes.StepNetwork(weights, [], [], 2)
        np.testing.assert_array_equal(network(np.zeros((2, 2))).ravel()[:2], [2, 2])
        assert [W.shape[0] for W, _ in network.layers] == [0, 1]


def test_overflow_is_no_warning():
    space = boxes.StepNetwork([[1e308, 1e308]], [0], [1])
    np.testing.assert_array_equal(space([[1e10, 1e10], [-1e10, -1e10]]), [1, 0])
    assert boxes.StepNetwork([1], [0], [1e308], 1.7e308)(1) == np.inf
    assert boxes.sawtooth(2)(-1e308) == 0


@pytest.mark.parametrize("n", [1, 1000])
def test_in_several_dimensions(n):
    rng = np.random.default_rng(0)
    W, b, c = rng.integers(-4, 5, size=(9, 3)), rng.integers(-4, 5, 9), rng.integers(-4, 5, 9)
    network = boxes.StepNetwork(W, b, c, 1)
    x = rng.integers(-3, 4, size=(n, 2, 3)).astype(float)
    expected = np.heaviside(x @ W.T + b, 0) @ c + 1
    np.testing.assert_array_equal(network(x), expected)
    column = boxes.StepNetwork(W[:, :1], b, c, 1)
    flat = boxes.StepNetwork(W[:, 0], b, c, 1)
    np.testing.assert_array_equal(column(x[..., :1]), flat(x[..., 0]))


def test_a_point_meets_the_same_decisions_alone_and_among_others():
    rng = np.random.default_rng(0)
    W, points = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    b = -((points[:, 0] * W[:, 0] + points[:, 1] * W[:, 1]) + points[:, 2] * W[:, 2])
    network = boxes.StepNetwork(W, b, 2.0 ** rng.permutation(np.arange(-20, 20)).repeat(5))
    together = network(points)
    np.testing.assert_array_equal([network(p) for p in points], together)
    np.testing.assert_array_equal([network(np.tile(p, (7, 1)))[3] for p in points], together)
    steps = boxes.StepNetwork(W[:1], b[:1], [1])
    assert steps(points[0]) == 0  # on its own line, exactly


@pytest.mark.parametrize("order", ["random", "falling", "wave"])
@pytest.mark.parametrize("m", [2, 3, 50, 1000])
def test_equal_distances_are_found_by_arithmetic(m, order):
    rng = np.random.default_rng(m)
    network = boxes.box_sum(lambda x: rng.integers(-9, 9, size=len(x)), 3.0, m - 1)
    x = np.concatenate([-network.biases, rng.uniform(-4, 4, 3000)])
    x = np.concatenate([x, np.nextafter(x, 9), np.nextafter(x, -9), [np.inf, -np.inf, 1e308]])
    x = {"random": rng.permutation(x), "falling": -np.sort(-x), "wave": 4 * np.sin(np.arange(9e3))}[
        order
    ]
    np.testing.assert_array_equal(network(x), written_out(network, x))


def test_nearly_equal_distances_do_not_lead_astray():
    rng = np.random.default_rng(0)
    for wobble in (0.05, 0.2, 0.24, 0.26, 0.4, 2.0):
        edges = np.arange(500) + rng.uniform(-wobble, wobble, 500)
        network = boxes.StepNetwork(np.ones(500), -edges, rng.integers(-9, 9, 500))
        x = rng.permutation(np.concatenate([edges, np.nextafter(edges, 999), edges + 0.1]))
        np.testing.assert_array_equal(network(x), written_out(network, x))


def test_copies_and_pickles_are_whole_and_read_only():
    for network in (
        boxes.box_sum(np.sin, 1, 8),
        boxes.grid_sum(lambda x: x[:, 0], 1, 3, 2),
        boxes.sawtooth(3),
    ):
        x = np.linspace(-1, 1, 6).reshape(3, 2)
        for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            np.testing.assert_array_equal(twin(x), network(x))
            weights = twin.heights if hasattr(twin, "heights") else twin.layers[0][0]
            assert not weights.flags.writeable


def test_blocks_of_points_in_space_are_joined():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(2**18, 2))
    network = boxes.StepNetwork(W, np.zeros(2**18), np.ones(2**18))
    x = rng.normal(size=(11, 2))  # four to a block
    np.testing.assert_array_equal(network(x), [(W @ point > 0).sum() for point in x])


def test_no_points_times_steps_matrix():
    import tracemalloc

    network = boxes.box_sum(np.sin, 1, 20_000)
    x = np.random.default_rng(0).uniform(-1, 1, 20_000)
    tracemalloc.start()
    try:
        network(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * x.nbytes  # the matrix would be 20,000 times x


def test_layers_write_it_out():
    network = boxes.box_network(3, 0.5, 0.25)
    (W, b), (c, c0) = network.layers
    x = np.linspace(-1, 2, 13)[None]
    np.testing.assert_array_equal((c @ np.heaviside(W @ x + b[:, None], 0) + c0)[0], network(x[0]))
    assert network.neurons == 2


def test_the_arrays_are_copies_and_stay_as_they_are():
    w = np.array([1.0, 2])
    network = boxes.StepNetwork(w, w, w)
    w[0] = 9
    assert network.weights[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0] = 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1], [1, 2]), "biases must hold one number for each of the 2 steps"),
        (([1], [1], [[1]]), "output_weights must hold one number"),
        ((1, 1, 1), r"weights must be of shape \(m,\) or \(m, d\)"),
        ((np.ones((2, 0)), [1, 2], [1, 2]), r"weights must be of shape"),
        (([1, np.nan], [1, 1], [1, 1]), r"weights\[1\] is nan"),
        (([1], [np.inf], [1]), r"biases\[0\] is inf"),
        (([1], [1], [1], np.inf), "output_bias must be a finite number"),
    ],
)
def test_shapes_and_values_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        boxes.StepNetwork(*map(np.array, arguments[:3]), *arguments[3:])


def test_what_is_not_a_number_is_refused():
    with pytest.raises(TypeError, match="weights must hold real numbers"):
        boxes.StepNetwork(["a"], [1], [1])
    network = boxes.StepNetwork([[1, 1]], [0], [1])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        network(np.array([1j, 0]))
    with pytest.raises(ValueError, match=r"x must be of shape \(..., 2\), not \(3,\)"):
        network(np.zeros(3))
