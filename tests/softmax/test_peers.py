"""Against torch's automatic differentiation, and against SciPy where SciPy is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from hwlib.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)

# Scores up to 30 and ten classes at most: each exponential is off by 30 + 6 units of roundoff, a
# sum of ten by 10 more, and both sides round. Entries are at most 1 in size, so are J's.
CLOSE = {"rtol": 2e-14, "atol": 1e-15}

scores = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=10),
    elements=st.floats(-15, 15, width=64),
)


@given(scores, st.data())
def test_scipy_agrees_along_every_axis(z, data):
    axis = data.draw(st.integers(-z.ndim, z.ndim - 1))
    np.testing.assert_allclose(softmax(z, axis), special.softmax(z, axis), **CLOSE)
    np.testing.assert_allclose(
        log_softmax(z, axis), special.log_softmax(z, axis), rtol=0, atol=1e-14
    )


@given(scores)
def test_torch_finds_the_same_jacobian(z):
    rows = torch.tensor(z).reshape(-1, z.shape[-1])
    wanted = torch.vmap(torch.func.jacrev(lambda row: torch.softmax(row, dim=0)))(rows)
    found = jacobian(z)
    assert found.shape == (*z.shape, z.shape[-1])
    np.testing.assert_allclose(found, wanted.reshape(found.shape), **CLOSE)


@given(scores, st.data())
def test_torch_finds_the_same_products(z, data):
    axis = data.draw(st.integers(-z.ndim, z.ndim - 1))
    v = np.random.default_rng(0).normal(size=z.shape)
    point, direction = torch.tensor(z), torch.tensor(v)

    def function(t):
        return torch.softmax(t, dim=axis)

    _, pushed = torch.autograd.functional.jvp(function, point, direction)
    _, pulled = torch.autograd.functional.vjp(function, point, direction)
    np.testing.assert_allclose(jvp(z, v, axis), pushed, rtol=0, atol=1e-14)
    np.testing.assert_allclose(vjp(z, v, axis), pulled, rtol=0, atol=1e-14)


@given(scores, st.data(), st.booleans(), st.sampled_from([1.0, 0.5, 4.0]))
def test_torch_finds_the_same_loss_and_gradient(z, data, classes, temperature):
    axis = data.draw(st.integers(-z.ndim, z.ndim - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    n = z.shape[axis]
    if classes:
        target = rng.integers(n, size=np.delete(z.shape, axis))
        t = np.moveaxis(np.eye(n)[target], -1, axis)
    else:
        target = t = softmax(rng.normal(size=z.shape), axis)
    point = torch.tensor(z, requires_grad=True)
    losses = -(torch.tensor(t) * torch.log_softmax(point / temperature, dim=axis)).sum(dim=axis)
    losses.sum().backward()
    np.testing.assert_allclose(
        cross_entropy(z, target, axis, temperature=temperature),
        losses.detach(),
        rtol=1e-13,
        atol=1e-14,
    )
    np.testing.assert_allclose(
        cross_entropy_gradient(z, target, axis, temperature=temperature),
        point.grad,
        rtol=0,
        atol=1e-14 / temperature,
    )


def test_where_scipy_loses_the_digits_of_a_logarithm_near_0():
    z = np.array([40.0, 0.0])
    assert special.log_softmax(z)[0] == 0
    np.testing.assert_allclose(log_softmax(z)[0], -np.exp(-40.0), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint64, bool])
def test_whole_numbers_are_taken_as_float64(dtype):
    z = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    for function in (softmax, log_softmax, jacobian):
        assert function(z).dtype == np.float64
        np.testing.assert_array_equal(function(z), function(z.astype(np.float64)))
