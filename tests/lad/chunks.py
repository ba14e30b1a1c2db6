"""Rows in chunks of Dask, for the tests."""

from __future__ import annotations

import numpy as np
import pytest

da = pytest.importorskip("dask.array")

N = 30_000
SAME = 1e-9


def cuts(n, parts, seed=0):
    """Lengths of chunks at random places, one of them empty."""
    places = np.sort(np.random.default_rng(seed).integers(n, size=parts - 2))
    return tuple(np.diff([0, *places, places[-1], n]).tolist())


def in_chunks(*arrays, parts=7):
    lengths = cuts(len(arrays[0]), parts)
    return [da.from_array(a, chunks=(lengths, *a.shape[1:])) for a in arrays]
