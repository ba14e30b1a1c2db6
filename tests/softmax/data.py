"""Scores of all shapes, sizes and types, some of them masked."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

DTYPES = [np.float16, np.float32, np.float64, np.longdouble]


def inner(dtype):
    """The type that a result is computed in."""
    return np.float32 if dtype == np.float16 else dtype


def entries(size):
    """Numbers up to ``size``: spread evenly, close to each other, far apart, or at the ends."""
    spread = st.floats(-1, 1, width=64).map(lambda x: x * size)
    return st.one_of(
        spread,
        st.sampled_from([0.0, size, -size, size / 2, size * (1 - 2.0**-9)]),
        st.integers(-330, 0).map(lambda k: size * 10.0**k),
    )


@st.composite
def vectors(draw, most=8, masks=True, dtypes=tuple(DTYPES)):
    """A vector of scores; its sizes are up to what its type holds."""
    dtype = draw(st.sampled_from(dtypes))
    largest = float(min(np.finfo(dtype).max, np.finfo(np.float64).max))
    power = draw(st.one_of(st.floats(-2, 3), st.floats(-300, 308)))
    size = draw(st.sampled_from([min(10.0**power, largest)] * 4 + [largest]))
    n = draw(st.integers(1, most))
    z = np.array(draw(st.lists(entries(size), min_size=n, max_size=n)))
    with np.errstate(all="ignore"):
        z = z.astype(dtype)
    if masks and draw(st.booleans()):
        hidden = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        hidden[draw(st.integers(0, n - 1))] = False
        z[np.array(hidden)] = -np.inf
    return z


@st.composite
def temperatures(draw):
    """Powers of ten and of two, exact in every type that is computed in."""
    return draw(st.sampled_from([1.0, 1.0, 0.25, 0.75, 3.0, 2.0**-20, 2.0**30]))
