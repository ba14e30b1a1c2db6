"""A small data set that stands in for MNIST in the table, and a server for it."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hwlib import datasets
from hwlib.datasets import ARCHIVES, Archive, Collection

SHAPES = {
    "train-images-idx3-ubyte.gz": (400, 28, 28),
    "train-labels-idx1-ubyte.gz": (400,),
    "t10k-images-idx3-ubyte.gz": (50, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (50,),
}
FILES = list(SHAPES)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def register(monkeypatch, packed: dict[str, bytes]) -> None:
    archives = tuple(
        Archive(file, hashlib.md5(data).hexdigest(), len(data), SHAPES[file])
        for file, data in packed.items()
    )
    small = Collection("MNIST", "MNIST", tuple("0123456789"), archives)
    monkeypatch.setitem(ARCHIVES, "mnist", small)


def store(place: Path, packed: dict[str, bytes]) -> Path:
    folder = place / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for file, data in packed.items():
        (folder / file).write_bytes(data)
    return place


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_holds(data: datasets.Dataset, arrays: dict[str, np.ndarray]) -> None:
    found = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for array, expected in zip(found, arrays.values(), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == (np.uint8 if array.ndim == 3 else np.int64)


def unpacked() -> set[str]:
    """What the cache holds once the small data set was loaded from elsewhere."""
    return {f"unpacked/{archive.md5}.idx" for archive in ARCHIVES["mnist"].archives}


def run_python(code: str, *, before: Sequence[str] = (), **variables: str) -> subprocess.Popen[str]:
    """A process whose table holds the small data set too, with a command before it."""
    setup = f"from hwlib.datasets import *\nARCHIVES['mnist'] = {ARCHIVES['mnist']!r}\n"
    return subprocess.Popen(
        [*before, sys.executable, "-c", setup + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )


class Mirror:
    """A web server on this machine: what it answers, and what it was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.between_halves: Callable[[], object] = lambda: None
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file = self.path.rpartition("/")[2]
                mirror.asked.append(file)
                if file not in mirror.files:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(mirror.files[file])))
                self.end_headers()
                half = len(mirror.files[file]) // 2
                self.wfile.write(mirror.files[file][:half])
                mirror.between_halves()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(mirror.files[file][half:])
                return None

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    @property
    def only(self) -> str:
        """Code that makes it the only mirror of another process."""
        return f"import torchvision\ntorchvision.datasets.MNIST.mirrors = [{self.url!r}]\n"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
