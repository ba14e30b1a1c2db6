"""What must hold of any scores, and certificates that need no reference."""

from __future__ import annotations

import mpmath
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.softmax.data import inner, temperatures, vectors
from tests.softmax.reference import exact

from hwlib.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    jacobian,
    jvp,
    log_softmax,
    softmax,
    vjp,
)

ROUNDOFF = 2.0**-53
doubles = vectors(dtypes=(np.float64,))


def slack(n):
    """What sums of n probabilities are off by, at most."""
    return (n + 40 + 8 * np.log(n)) * ROUNDOFF


@given(doubles)
def test_probabilities_are_probabilities(z):
    y = softmax(z)
    assert ((y >= 0) & (y <= 1)).all()
    assert abs(y.sum() - 1) <= len(z) * slack(len(z))
    assert (y[np.isneginf(z)] == 0).all()
    order = np.argsort(z, kind="stable")
    assert (np.diff(y[order]) >= 0).all()


@given(doubles, st.integers(-40, 40))
def test_shifting_by_a_power_of_two_that_is_exact_changes_nothing(z, power):
    shift = 2.0**power
    moved = z + shift
    exact = (moved - shift == z) | np.isneginf(z)
    if exact.all() and (moved[~np.isneginf(z)] - shift == z[~np.isneginf(z)]).all():
        np.testing.assert_allclose(softmax(moved), softmax(z), rtol=1e-12, atol=1e-300)


@given(doubles)
def test_doubling_the_scores_is_halving_the_temperature(z):
    if np.abs(z[np.isfinite(z)]).max() < 1e307:
        np.testing.assert_array_equal(softmax(2 * z), softmax(z, temperature=0.5))


@given(doubles, st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(z, random):
    order = list(range(len(z)))
    random.shuffle(order)
    np.testing.assert_allclose(softmax(z[order]), softmax(z)[order], rtol=1e-13, atol=0)
    np.testing.assert_allclose(log_softmax(z[order]), log_softmax(z)[order], rtol=1e-12, atol=0)


@given(doubles)
def test_the_jacobian_is_a_covariance(z):
    J = jacobian(z)
    n = len(z)
    np.testing.assert_array_equal(J, J.T)
    assert np.abs(J.sum(axis=1)).max() <= n * slack(n)
    values = np.linalg.eigvalsh(J)
    assert values.min() >= -n * slack(n)
    assert values.max() <= 0.5 + n * slack(n)


@given(doubles, st.integers(0, 2**32))
def test_products_are_those_with_the_matrix(z, seed):
    v = np.random.default_rng(seed).normal(size=z.shape)
    J, allowed = jacobian(z), 8 * len(z) * slack(len(z)) * np.abs(v).max()
    np.testing.assert_allclose(jvp(z, v), J @ v, rtol=0, atol=allowed)
    np.testing.assert_allclose(vjp(z, v), v @ J, rtol=0, atol=allowed)


@given(doubles)
def test_a_vector_as_large_as_numbers_get_does_not_overflow(z):
    largest = np.finfo(np.float64).max
    signs = np.where(np.arange(len(z)) % 2, -1.0, 1.0)
    found = vjp(z, largest * signs)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found / largest, vjp(z, signs), rtol=1e-12, atol=8 * slack(len(z)))
    assert np.isfinite(jvp(z, np.full(len(z), largest))).all()


@given(doubles, st.data())
def test_the_loss_is_the_expected_surprise(z, data):
    target = data.draw(st.integers(0, len(z) - 1))
    one_hot = np.eye(len(z))[target]
    assert cross_entropy(z, target) == cross_entropy(z, one_hot)
    assert cross_entropy(z, target) == -log_softmax(z)[target]


@given(doubles)
def test_the_gradient_is_0_at_the_target_itself(z):
    y = softmax(z)
    found = cross_entropy_gradient(z, y)
    assert np.abs(found).max() <= len(z) * slack(len(z))


@given(vectors(), st.data(), st.sampled_from([jvp, vjp]))
def test_the_products_are_linear_and_blind_to_a_constant(z, data, product):
    """J(2v + c·1) = 2Jv: rows of the Jacobian sum to 0. Powers of two scale exactly, but at 0."""
    v = np.array(data.draw(st.lists(st.integers(-8, 8), min_size=len(z), max_size=len(z))))
    v = v.astype(z.dtype)
    least = 2 * float(np.finfo(z.dtype).smallest_subnormal)
    np.testing.assert_allclose(product(z, 2 * v), 2 * product(z, v), rtol=0, atol=least)
    unit = np.finfo(inner(z.dtype)).eps
    off = 64 * (len(z) + 40) * unit + (np.finfo(z.dtype).eps if z.dtype == np.float16 else 0)
    np.testing.assert_allclose(product(z, v + 5), product(z, v), rtol=0, atol=float(16 * off))


@given(vectors(dtypes=(np.float64,)), st.data())
def test_adjoint_identity(z, data):
    """⟨u, Jv⟩ = ⟨Jᵀu, v⟩, of whole u and v, whose products round little."""
    entries = st.lists(st.integers(-8, 8).map(float), min_size=len(z), max_size=len(z))
    u, v = np.array(data.draw(entries)), np.array(data.draw(entries))
    size = 8 * 8 * len(z) * len(z) * slack(len(z))
    assert abs(u @ jvp(z, v) - vjp(z, u) @ v) <= 8 * size


@given(vectors(most=5, dtypes=(np.float64,)), st.data(), temperatures())
def test_positive_semidefinite_in_every_direction(z, data, temperature):
    """vᵀJv is the variance of v under y, at least 0 and at most a quarter of the range squared."""
    v = np.array(data.draw(st.lists(st.integers(-8, 8), min_size=len(z), max_size=len(z))), float)
    form = v @ jacobian(z, temperature=temperature) @ v * temperature
    rounding = 8 * 64 * len(z) ** 2 * slack(len(z))
    assert -rounding <= form <= np.ptp(v) ** 2 / 4 + rounding


scores = st.lists(st.integers(-2000, 2000).map(lambda k: k / 64), min_size=1, max_size=6)


@given(scores, st.data(), st.sampled_from([1.0, 0.25, 3.0]))
def test_the_jacobian_is_the_derivative(z, data, temperature):
    """Central differences of the reference in 50 digits, with a step of 1e-15: off by 1e-29."""
    v = data.draw(st.lists(st.integers(-8, 8), min_size=len(z), max_size=len(z)))
    step = mpmath.mpf(10) ** -15
    ahead, behind = (
        exact_softmax(
            [exact(np.float64(a)) + sign * step * b for a, b in zip(z, v, strict=True)], temperature
        )
        for sign in (1, -1)
    )
    wanted = [float((a - b) / (2 * step)) for a, b in zip(ahead, behind, strict=True)]
    found = jvp(np.array(z), np.array(v, float), temperature=temperature)
    reach = (max(z) - min(z)) / temperature  # the relative error of an exponential grows with it
    allowed = (4 * reach + 300) * ROUNDOFF * 16 / temperature
    np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed)


@given(scores, st.data(), st.sampled_from([1.0, 0.25, 3.0]))
def test_the_gradient_is_the_derivative_of_the_loss(z, data, temperature):
    weights = data.draw(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=len(z), max_size=len(z)))
    weights[0] += 1
    share = np.array(weights, float) / sum(weights)
    step = mpmath.mpf(10) ** -15
    wanted = []
    for i in range(len(z)):
        rise = [
            -mpmath.fsum(
                exact(t) * mpmath.log(p)
                for t, p in zip(
                    share,
                    exact_softmax(
                        [
                            exact(np.float64(a)) + (sign * step if i == j else 0)
                            for j, a in enumerate(z)
                        ],
                        temperature,
                    ),
                    strict=True,
                )
            )
            for sign in (1, -1)
        ]
        wanted.append(float((rise[0] - rise[1]) / (2 * step)))
    found = cross_entropy_gradient(np.array(z), share, temperature=temperature)
    reach = (max(z) - min(z)) / temperature
    # Shares that do not sum to 1 by a rounding move the derivative by as much.
    np.testing.assert_allclose(
        found, wanted, rtol=0, atol=(4 * reach + 300) * ROUNDOFF / temperature
    )


def exact_softmax(z, temperature):
    e = [mpmath.exp(a / mpmath.mpf(temperature)) for a in z]
    total = mpmath.fsum(e)
    return [a / total for a in e]


@given(scores, st.data())
def test_gibbs_inequality(z, data):
    """H(t, y) ≥ H(t): no prediction is better than the target itself."""
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(z), max_size=len(z)))
    weights[0] += 1
    t = np.array(weights, float) / sum(weights)
    with np.errstate(divide="ignore"):
        logs = np.log(t)
    entropy = -(t[t > 0] * logs[t > 0]).sum()
    least = cross_entropy(logs, t)
    rounding = (len(z) + 40) * 8 * ROUNDOFF * (1 + entropy)
    assert abs(least - entropy) <= rounding
    assert cross_entropy(np.array(z), t) >= entropy - rounding * (1 + np.abs(z).max())


def log_sum_exp(z):
    return z[0] - log_softmax(z)[0]


@given(scores, st.data())
def test_log_sum_exp_is_lipschitz_one_in_the_max_norm(z, data):
    moves = data.draw(st.lists(st.integers(-640, 640), min_size=len(z), max_size=len(z)))
    a, b = np.array(z), np.array(z) + np.array(moves) / 64
    rounding = (len(z) + 40) * 8 * ROUNDOFF * (1 + np.abs(a).max() + np.abs(b).max())
    assert abs(log_sum_exp(a) - log_sum_exp(b)) <= np.abs(a - b).max() + rounding


@given(scores)
def test_log_sum_exp_is_between_the_largest_and_that_plus_log_n(z):
    a = np.array(z)
    rounding = 64 * ROUNDOFF * (1 + np.abs(a).max())
    assert a.max() - rounding <= log_sum_exp(a) <= a.max() + np.log(len(a)) + rounding


@given(scores, st.data())
def test_log_sum_exp_lies_above_its_tangents(z, data):
    """Convexity: lse(b) ≥ lse(a) + ⟨softmax(a), b − a⟩."""
    a = np.array(z)
    b = np.array(
        data.draw(
            st.lists(st.sampled_from([-30.0, -1, 0, 2, 30]), min_size=len(z), max_size=len(z))
        )
    )
    rounding = (len(z) + 40) * 16 * ROUNDOFF * (1 + np.abs(a).max() + np.abs(b).max())
    assert log_sum_exp(b) >= log_sum_exp(a) + softmax(a) @ (b - a) - rounding


@given(scores, st.integers(-4000, 4000), st.sampled_from([1.0, 0.25, 4.0]))
def test_shift_invariance(z, shift, temperature):
    """Exactly: sixty-fourths of this size are moved without rounding."""
    a, moved = np.array(z), np.array(z) + shift / 64
    options = {"temperature": temperature}
    for f in (softmax, log_softmax, jacobian):
        np.testing.assert_array_equal(f(moved, **options), f(a, **options))
    np.testing.assert_array_equal(
        cross_entropy(moved, 0, **options), cross_entropy(a, 0, **options)
    )
    np.testing.assert_array_equal(
        cross_entropy_gradient(moved, 0, **options), cross_entropy_gradient(a, 0, **options)
    )
    for f in (jvp, vjp):
        np.testing.assert_array_equal(f(moved, a, **options), f(a, a, **options))


@given(scores, st.data())
def test_the_gradients_of_a_softmax_loss_sum_to_zero(z, data):
    target = data.draw(st.integers(0, len(z) - 1))
    found = cross_entropy_gradient(np.array(z), target)
    assert abs(found.sum()) <= 4 * len(z) * slack(len(z))
    assert found[target] <= 0
    assert (np.delete(found, target) >= 0).all()


def test_a_loss_that_is_in_range_is_found_although_its_logarithm_is_not():
    z = [1.7e308, -1.7e308]
    assert log_softmax(z)[1] == -np.inf
    assert cross_entropy(z, 1) == np.inf
    np.testing.assert_allclose(cross_entropy(z, [0.5, 0.5]), 1.7e308, rtol=1e-15)
    np.testing.assert_allclose(log_softmax(z, temperature=4)[1], -0.85e308, rtol=1e-15)
    np.testing.assert_allclose(cross_entropy(z, 1, temperature=4), 0.85e308, rtol=1e-15)


def test_a_mask_costs_nothing_where_nothing_is_expected():
    z = [0.0, -np.inf, 0.0]
    np.testing.assert_allclose(cross_entropy(z, [0.5, 0.0, 0.5]), np.log(2))
    np.testing.assert_allclose(cross_entropy_gradient(z, [0.5, 0.0, 0.5]), [0, 0, 0], atol=1e-16)
    assert cross_entropy(z, [0.5, 0.25, 0.25]) == np.inf
    np.testing.assert_array_equal(cross_entropy_gradient(z, 1), [0.5, -1.0, 0.5])


def test_a_certain_prediction_costs_0_and_not_minus_0():
    assert not np.signbit(cross_entropy([3.0], 0))
    assert not np.signbit(cross_entropy([0.0, -np.inf], [1.0, 0.0]))
