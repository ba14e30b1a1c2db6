"""A fit on a cluster of processes, one of which is killed while it works."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from tests.lad.data import lines

from hwlib import lad

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

N = 60_000
ROWS = 5000
# A worker that dies leaves sockets to be collected.
pytestmark = [pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def cluster():
    options = {"threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(n_workers=2, processes=True, **options) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


def in_chunks():
    X, y = lines(N, 5)
    return da.from_array(X, chunks=(ROWS, 5)), da.from_array(y, chunks=ROWS)


def test_the_same_fit_on_a_cluster():
    X, y = in_chunks()
    fit, here = lad.fit(X, y), lad.fit(*lines(N, 5))
    np.testing.assert_allclose(fit.coef, here.coef, atol=1e-9)
    np.testing.assert_allclose(fit.dual.compute(), here.dual, atol=1e-9)
    assert fit.relative_gap <= 1e-9
    assert lad.verify(X, y, fit).holds


def test_a_refusal_names_the_chunk_on_a_cluster():
    X, y = lines(N, 5)
    X[51_000, 1] = np.nan
    with pytest.raises(ValueError, match=r"X\[51000, 1\] is nan, in chunk 10, which begins at"):
        lad.fit(da.from_array(X, chunks=(ROWS, 5)), y)


def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path: Path):
    def kill_at_third(block):  # in here, so that it travels as code
        asked = sum(1 for _ in tmp_path.iterdir())
        (tmp_path / str(asked)).write_text(str(os.getpid()))
        if asked == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    X, y = in_chunks()
    expected = lad.fit(X, y)
    whole = slice(5 * ROWS, 6 * ROWS)
    meta = np.zeros((0, 5))
    deadly = X[whole].map_blocks(kill_at_third, meta=meta)
    fit = lad.fit(da.concatenate([X[: 5 * ROWS], deadly, X[6 * ROWS :]]), y)
    pids = [int((tmp_path / str(i)).read_text()) for i in range(4)]
    assert not Path(f"/proc/{pids[2]}").exists() or pids[3] != pids[2]
    assert fit.coef.tobytes() == expected.coef.tobytes()
    assert fit.relative_gap == expected.relative_gap
    assert fit.dual.compute().tobytes() == expected.dual.compute().tobytes()
