"""Least absolute deviations on Dask: beside NumPy, on one worker and two, and from disk.

Fresh random rows, an intercept and normal columns with noise from Student's t, three degrees of
freedom. ``--large`` fits 10⁸ rows, 16.8 GB of files in ``--folder``, and changes nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import distributed
import numpy as np
import psutil
from _common import Result, parser, write_results
from threadpoolctl import threadpool_limits

from hwlib import lad

D = 20
# Rows of a chunk in memory, and of a file.
CHUNK, FILE = 1_000_000, 2_000_000
IN_MEMORY, ON_DISK = 10**7, 10**8
SIZES = (4_000_000, 8_000_000, 16_000_000, 40_000_000)
REPEATS = 3
NAME = "lad_dask"


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, D))
    X[:, 0] = 1
    return X, X.sum(axis=1) + rng.standard_t(3, size=n)


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def number(value: float, unit: str, what: str) -> Result:
    return {"value": value, "unit": unit, "what": what}


def beside_numpy(seed: int) -> dict[str, Result]:
    """Both in one process, in turns; NumPy with one thread or two, whichever is faster."""
    X, y = rows(IN_MEMORY, seed)
    lazy = da.from_array(X, chunks=(CHUNK, D)), da.from_array(y, chunks=CHUNK)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(REPEATS):
        plain = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                plain.append(timed(lambda: lad.fit(X, y))[0])
        with threadpool_limits(1), dask.config.set(scheduler="threads", num_workers=2):
            seconds, fit = timed(lambda: lad.fit(*lazy))
        assert fit.relative_gap <= 1e-9
        ours.append(seconds)
        theirs.append(min(plain))
    what = f"n = {IN_MEMORY:,}, d = {D}, in memory, 2 cores"
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "threads_over_numpy": number(
            statistics.median(ratios), "ratio", f"Dask's threads over plain NumPy: {what}"
        ),
        "threads_over_numpy_worst": number(
            max(ratios), "ratio", f"the largest of {REPEATS} such ratios"
        ),
        "numpy_seconds": number(statistics.median(theirs), "s", f"lad.fit of NumPy arrays: {what}"),
    }


def write(folder: Path, n: int, seed: int) -> None:
    """A pair of .npy files for each chunk."""
    for i in range(n // FILE):
        X, y = rows(FILE, seed + i)
        np.save(folder / f"X{i}.npy", X)
        np.save(folder / f"y{i}.npy", y)


def stored(folder: Path, n: int, mode: str | None = "r") -> tuple[Any, Any]:
    """The first n rows of them as Dask arrays; each pass maps the files anew, or reads them."""

    def read(name: str, block_id: tuple[int, ...] | None = None) -> Any:
        assert block_id is not None
        return np.load(folder / f"{name}{block_id[0]}.npy", mmap_mode=mode)

    def column(name: str, *shape: int) -> Any:
        chunks = ((FILE,) * (n // FILE), *((size,) for size in shape))
        return da.map_blocks(read, name, chunks=chunks, meta=np.empty((0,) * len(chunks)))

    return column("X", D), column("y")


def on_workers(seed: int) -> dict[str, Result]:
    """One worker and two, each a process with one thread, in turns; files in the page cache."""
    seconds: dict[tuple[int, int], list[float]] = {}
    # Dask's workers give memory back at once, and get it again page by page. On a virtual machine
    # that takes longer than all that is computed in it, and cannot be done by two at a time.
    keep = {
        f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**30
        for name in ("TRIM", "MMAP")
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, max(SIZES), seed)
        for _, workers in product(range(REPEATS), (1, 2)):
            options = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1"}
            with (
                dask.config.set(keep),
                distributed.LocalCluster(**options, dashboard_address=None) as cluster,
                distributed.Client(cluster),
            ):
                lad.fit(*stored(folder, 2 * FILE))  # modules are imported on the workers
                for n in SIZES:
                    lazy = stored(folder, n)
                    spent, fit = timed(lambda lazy=lazy: lad.fit(*lazy))  # type: ignore[misc]
                    assert fit.relative_gap <= 1e-9
                    seconds.setdefault((workers, n), []).append(spent)
    results = {
        f"workers_{workers}_rows_{n}": number(
            statistics.median(spent),
            "s",
            f"lad.fit on {workers} worker{'s' * (workers > 1)} of one thread: n = {n:,}, d = {D}, "
            f"files, median of {REPEATS}",
        )
        for (workers, n), spent in seconds.items()
    }
    pairs = zip(seconds[1, max(SIZES)], seconds[2, max(SIZES)], strict=True)
    results["two_workers_speedup"] = number(
        statistics.median(one / two for one, two in pairs),
        "ratio",
        f"time of one worker over that of two, one thread each: n = {max(SIZES):,}, d = {D}",
    )
    return results


def from_disk(folder: Path) -> dict[str, float]:
    """A fit of all files, in this process."""
    files = [path for path in folder.iterdir() if path.suffix == ".npy"]
    total = sum(path.stat().st_size for path in files)
    for path in files:  # out of the page cache, so that the first read is one
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    lazy, process = stored(folder, ON_DISK, None), psutil.Process()
    before = process.io_counters().read_chars
    with threadpool_limits(1), dask.config.set(scheduler="threads", num_workers=2):
        seconds, fit = timed(lambda: lad.fit(*lazy))
    return {
        "seconds": seconds,
        "reads": (process.io_counters().read_chars - before) / total,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30,
        "gap": fit.relative_gap,
    }


def large(folder: Path, seed: int) -> dict[str, Result]:
    """10⁸ rows, which do not fit in memory, in a process of their own."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        write(Path(name), ON_DISK, seed)
        command = [sys.executable, __file__, "--from-disk", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
    what = f"n = {ON_DISK:,}, d = {D}, from disk, two threads"
    return {
        "large_seconds": number(found["seconds"], "s", f"lad.fit: {what}"),
        "large_reads": number(
            found["reads"], "reads", f"bytes read over those of the files: {what}"
        ),
        "large_gib": number(found["gib"], "GiB", f"peak memory of the process: {what}"),
        "large_gap": number(found["gap"], "ratio", f"certified relative gap: {what}"),
    }


def main() -> None:
    arguments = parser(NAME, __doc__)
    arguments.add_argument("--large", action="store_true", help="fit 10⁸ rows, and nothing else")
    arguments.add_argument("--folder", type=Path, help="where the 16.8 GB of files go")
    arguments.add_argument("--seed", type=int, default=secrets.randbits(32))
    arguments.add_argument("--from-disk", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.from_disk:
        print(json.dumps(from_disk(options.from_disk)))
        return
    if options.large:
        results = large(options.folder or Path(tempfile.gettempdir()), options.seed)
    else:
        results = beside_numpy(options.seed) | on_workers(options.seed)
    output = options.output.with_stem(NAME + "_large") if options.large else options.output
    packages = ["hwlib", "numpy", "dask", "distributed"]
    write_results(NAME, results, packages=packages, output=output)


if __name__ == "__main__":
    main()
