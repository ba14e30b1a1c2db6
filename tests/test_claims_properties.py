"""What a claim compares, it compares as numbers are: equality, order, and NaN that is neither."""

from __future__ import annotations

import contextlib
import io
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwlib.claims import ClaimError, claim, published, record

numbers = st.one_of(st.floats(), st.integers(-(2**53), 2**53), st.sampled_from([0.0, -0.0, 1e308]))
finite = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))
ORDER = {
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}
wraps = st.sampled_from([lambda x: x, np.float64, np.array, lambda x: np.array([x], dtype=float)])


def holds(value, relation, bound, kind):
    options = {"because": "of a theorem"} if kind == "observed" else {}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            claim("a-name", "A sentence.", value, relation, bound, kind=kind, **options)
        except ClaimError:
            assert said.getvalue().startswith("✗")
            return False
    assert said.getvalue().startswith("✓")
    return True


@given(numbers, numbers, st.sampled_from(sorted(ORDER)), wraps)
def test_a_claim_holds_just_if_the_order_of_the_numbers_does(value, bound, relation, wrap):
    assert holds(wrap(value), relation, wrap(bound), "observed") is ORDER[relation](value, bound)


@given(numbers, numbers)
def test_order_is_total_but_for_nan(value, bound):
    le, ge, lt, gt = (holds(value, r, bound, "observed") for r in ("<=", ">=", "<", ">"))
    if math.isnan(value) or math.isnan(bound):
        assert not any((le, ge, lt, gt))
    else:
        assert le or ge
        assert (lt, gt) == (not ge, not le)


@given(finite, finite)
def test_order_is_that_of_the_exact_values(value, bound):
    assert holds(value, "<=", bound, "observed") is (Fraction(value) <= Fraction(bound))


arrays = hnp.arrays(
    st.sampled_from([np.int64, np.float64, np.float32]),
    hnp.array_shapes(max_dims=2, max_side=4),
    elements=st.integers(-3, 3),
)


@given(arrays, st.data())
def test_equality_of_arrays_is_that_of_every_entry(value, data):
    assert holds(value, "==", value.tolist(), "exact")
    assert holds(np.asfortranarray(value), "==", value.astype(np.float64), "exact")
    other = value.copy()
    place = data.draw(st.tuples(*[st.integers(0, n - 1) for n in value.shape]))
    other[place] += 1
    assert not holds(value, "==", other, "exact")
    assert not holds(value, "==", value[None], "exact")


@given(finite)
def test_a_recorded_value_reads_back(value):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        record("a-name", float(value), ".17g")
        published("b-name", "A sentence.", float(value), source="A source", fmt=".17g")
    first, second = said.getvalue().splitlines()
    assert float(first.split(" = ")[1]) == float(value)
    assert float(second.split("published: ")[1].split(",")[0]) == float(value)


@given(st.sampled_from([math.nan, math.inf, -math.inf]), wraps)
def test_what_is_not_finite_is_not_quoted(value, wrap):
    with pytest.raises(ValueError, match="only a finite value can be quoted"):
        record("a-name", wrap(value))
    with pytest.raises(ValueError, match="only a finite value can be quoted"):
        published("a-name", "A sentence.", wrap(value), source="A source")
