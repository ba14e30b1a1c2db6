"""What all tests of data sets start from: an empty cache, and a small data set in archives."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.small import SHAPES, Mirror, idx, register, store


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder that is not there yet, and no other setting."""
    for variable in ("HWLIB_DATA", "HWLIB_REQUIRE_DATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        file: rng.integers(10 if len(shape) == 1 else 256, size=shape, dtype=np.uint8)
        for file, shape in SHAPES.items()
    }


@pytest.fixture
def packed(arrays, monkeypatch) -> dict[str, bytes]:
    """The archives of a small data set, which stands in for MNIST in the table."""
    packed = {file: gzip.compress(idx(array), mtime=0) for file, array in arrays.items()}
    register(monkeypatch, packed)
    return packed


@pytest.fixture
def root(tmp_path, packed) -> Path:
    return store(tmp_path / "root", packed)


@pytest.fixture
def mirror(packed, monkeypatch) -> Iterator[Mirror]:
    """The only mirror of MNIST."""
    import torchvision

    monkeypatch.setenv("no_proxy", "*")
    with contextlib.closing(Mirror(dict(packed))) as mirror:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror.url])
        yield mirror
