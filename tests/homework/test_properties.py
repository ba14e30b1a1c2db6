"""The checks as tests of hypotheses: on any inputs that they draw, right answers pass."""

from __future__ import annotations

import contextlib
import functools
import io
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.homework.answers import RIGHT

from hwlib.homework import check
from hwlib.homework._problems import find

# Those that are computed in milliseconds; of these, those whose value is one array of numbers.
QUICK = ("1a", "1b", "2a", "2b", "2c", "2d", "3a", "3b", "3c", "5b")
NUMBERS = ("1a", "2d", "3a", "3b", "3c")

seeds = st.integers(0, 2**32 - 1)


def points(key, answer, seed):
    """What an answer earns on the inputs of this seed."""
    drawn = functools.partial(np.random.default_rng, seed)
    with (
        contextlib.redirect_stdout(io.StringIO()),
        mock.patch.object(np.random, "default_rng", drawn),
    ):
        return check(key, answer)


@given(st.sampled_from(QUICK), seeds)
def test_a_right_answer_passes_on_any_inputs(key, seed):
    assert points(key, RIGHT[key], seed) == find(key).points


@given(st.sampled_from(NUMBERS), seeds, st.sampled_from([-1.0, 0.0, 0.5, 0.98, 0.999, 1.001, 2.0]))
def test_an_answer_that_is_off_by_a_factor_does_not_pass(key, seed, factor):
    def scaled(*arguments):
        return factor * np.asarray(RIGHT[key](*arguments))

    assert points(key, scaled, seed) < find(key).points


@given(st.sampled_from(NUMBERS), seeds, st.sampled_from([-1, 1]))
def test_rounding_costs_nothing(key, seed, sign):
    def rounded(*arguments):
        return np.asarray(RIGHT[key](*arguments)) * (1 + sign * 2.0**-40)

    assert points(key, rounded, seed) == find(key).points


anything = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.floats(),
    st.complex_numbers(),
    st.lists(st.floats(), max_size=3),
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=3)),
)


@given(st.sampled_from(QUICK), anything, seeds)
def test_no_value_gets_full_points_or_past_the_check(key, value, seed):
    assert 0 <= points(key, lambda *_: value, seed) < find(key).points
