"""A fit on a cluster of processes, one of which is killed while it works."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

N = 60_000
# The cluster's own threads warn of what they find at their end.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def client():
    options = {"dashboard_address": None, "host": "127.0.0.1", "threads_per_worker": 1}
    with (
        distributed.LocalCluster(n_workers=2, processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def rows():
    X, y = lines(N, 5)
    return X, y, da.from_array(X, chunks=(5000, 5)), da.from_array(y, chunks=5000)


def test_the_same_fit_on_a_cluster(client):
    X, y, *lazy = rows()
    fit, here = lad.fit(*lazy), lad.fit(X, y)
    np.testing.assert_allclose(fit.coef, here.coef, atol=1e-9)
    assert fit.relative_gap <= 1e-9
    np.testing.assert_allclose(fit.dual.compute(), here.dual, atol=1e-9)
    assert lad.verify(*lazy, fit).holds


def test_a_refusal_names_the_chunk_on_a_cluster(client):
    X, y = lines(N, 5)
    X[51_000, 1] = np.nan
    with pytest.raises(ValueError, match=r"X\[51000, 1\] is nan, in chunk 10, which begins at"):
        lad.fit(da.from_array(X, chunks=(5000, 5)), y)


def suicidal(block, path):
    """The block; but the first process that is asked for it the third time is killed."""
    asked = len(os.listdir(path))
    (marker := os.path.join(path, str(asked)))
    with open(marker, "w"):
        pass
    if asked == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return block


def test_a_worker_killed_in_the_middle_changes_nothing(client, tmp_path):
    X, y, lazy, targets = rows()
    deadly = da.concatenate(
        [
            lazy[:50_000],
            lazy[50_000:55_000].map_blocks(suicidal, str(tmp_path), dtype=float),
            lazy[55_000:],
        ]
    )
    expected = lad.fit(lazy, targets)
    before = set(client.scheduler_info()["workers"])
    died = threading.Event()
    fit = lad.fit(deadly, targets)
    died.set()
    assert len(list(tmp_path.iterdir())) > 3
    client.wait_for_workers(2, timeout=60)
    assert set(client.scheduler_info()["workers"]) != before
    assert fit.coef.tobytes() == expected.coef.tobytes()
    assert fit.relative_gap == expected.relative_gap
    assert fit.dual.compute().tobytes() == expected.dual.compute().tobytes()
