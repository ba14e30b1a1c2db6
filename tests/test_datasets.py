"""hwlib.datasets on small archives of its own making, on the real ones, and on broken ones."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.namespaces import full_then_roomy, read_only

from hwlib import datasets
from hwlib.datasets import ARCHIVES, Archive, Collection, DataError
from hwlib.datasets import _download as download
from hwlib.datasets import _unpacking as unpacking

REAL = os.environ.get("HWLIB_DATA")
SHAPES = {
    "train-images-idx3-ubyte.gz": (400, 28, 28),
    "train-labels-idx1-ubyte.gz": (400,),
    "t10k-images-idx3-ubyte.gz": (50, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (50,),
}
FILES = list(SHAPES)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder that is not there yet, and no other setting."""
    for variable in ("HWLIB_DATA", "HWLIB_REQUIRE_DATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


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


def register(monkeypatch, packed: dict[str, bytes]) -> None:
    archives = tuple(
        Archive(file, hashlib.md5(data).hexdigest(), len(data), SHAPES[file])
        for file, data in packed.items()
    )
    small = Collection("MNIST", "MNIST", tuple("0123456789"), archives)
    monkeypatch.setitem(ARCHIVES, "mnist", small)


@pytest.fixture
def root(tmp_path, packed) -> Path:
    return store(tmp_path / "root", packed)


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


class TestRealArchives:
    @pytest.mark.skipif(not REAL, reason="HWLIB_DATA is not set")
    @pytest.mark.parametrize(("name", "fewest"), [("fashion-mnist", 6000), ("mnist", 5421)])
    def test_shapes_types_and_label_counts(self, name, fewest):
        data = datasets.load(name, REAL)
        assert (data.name, data.requested, data.is_fallback) == (name, name, False)
        assert data.train_images.shape == (60_000, 28, 28)
        assert data.test_images.shape == (10_000, 28, 28)
        assert data.train_images.dtype == data.test_images.dtype == np.uint8
        assert data.train_labels.dtype == data.test_labels.dtype == np.int64
        counts = np.bincount(data.train_labels), np.bincount(data.test_labels)
        assert counts[0].min() == fewest
        assert [c.sum() for c in counts] == [60_000, 10_000]
        if name == "fashion-mnist":
            assert set(counts[0]) == {6000}
            assert set(counts[1]) == {1000}

    @pytest.mark.skipif(not REAL, reason="HWLIB_DATA is not set")
    @pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
    def test_the_table_has_their_sizes(self, name):
        folder = datasets.find(name, REAL)
        assert folder is not None
        for archive in ARCHIVES[name].archives:
            assert (folder / archive.file).stat().st_size == archive.size

    @pytest.mark.skipif(not REAL, reason="HWLIB_DATA is not set")
    def test_a_class_looks_like_its_name(self):
        data = datasets.load("fashion-mnist", REAL)
        trousers, sneakers = (
            data.train_images[data.train_labels == data.classes.index(name)].mean(axis=0)
            for name in ("Trouser", "Sneaker")
        )
        columns, rows = trousers.mean(axis=0), sneakers.mean(axis=1)
        assert columns[:5].max() < 5 < 150 < columns[11]  # narrow
        assert columns[14] < columns[[11, 16]].min() / 2  # two legs
        assert rows[:8].max() < 10 < 130 < rows[16]  # low

    @pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
    def test_the_table_agrees_with_torchvision(self, name):
        import torchvision

        collection = ARCHIVES[name]
        theirs = getattr(torchvision.datasets, collection.folder)
        assert theirs.resources == [(a.file, a.md5) for a in collection.archives]
        if name == "fashion-mnist":
            assert tuple(theirs.classes) == collection.classes


class TestLoad:
    def test_a_data_set_comes_back_from_its_archives(self, root, arrays):
        data = datasets.load("mnist", root)
        assert_holds(data, arrays)
        assert data.classes == tuple("0123456789")
        assert repr(data).startswith("Dataset(name='mnist', requested='mnist', classes=(")

    def test_arrays_are_read_only(self, root):
        for data in (datasets.load("mnist", str(root)), datasets.load("digits")):
            for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 0

    def test_a_second_load_unpacks_nothing(self, root, arrays, cache, monkeypatch):
        datasets.load("mnist", root)
        assert len(files_below(cache)) == 4
        monkeypatch.setattr(unpacking.gzip, "decompress", None)
        assert_holds(datasets.load("mnist", root), arrays)

    def test_the_root_is_never_written_to(self, root):
        def snapshot() -> list[tuple[Path, int, bytes]]:
            return [
                (path, path.stat().st_mtime_ns, b"" if path.is_dir() else path.read_bytes())
                for path in [root, *sorted(root.rglob("*"))]
            ]

        folders = [root, root / "MNIST", root / "MNIST/raw"]
        for folder in folders:
            folder.chmod(0o555)
        before = snapshot()
        datasets.load("mnist", root)
        datasets.fetch("mnist", root)
        for folder in folders:
            folder.chmod(0o755)
        assert snapshot() == before

    @pytest.mark.parametrize("name", ["MNIST", "", "imagenet", None])
    def test_an_unknown_name_lists_the_known_ones(self, name):
        with pytest.raises(ValueError, match="'fashion-mnist' and 'mnist', and 'digits'"):
            datasets.load(name)

    def test_digits_have_no_archives_to_find_or_fetch(self):
        for function in (datasets.find, datasets.fetch):
            with pytest.raises(ValueError, match="no archives of 'digits'"):
                function("digits")

    def test_importing_loads_neither_torch_nor_sklearn_nor_a_network(self):
        code = "import sys, hwlib.datasets\nprint({*sys.modules} & {'torch', 'sklearn'})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.stdout, done.returncode) == ("set()\n", 0)


class TestDigits:
    def test_every_pixel_is_there_three_by_three(self):
        from sklearn.datasets import load_digits

        data = datasets.load("digits")
        images = np.concatenate([data.train_images, data.test_images])
        assert images.shape == (1797, 28, 28)
        assert images.dtype == np.uint8
        inner = images[:, 2:-2, 2:-2]
        assert images.sum(dtype=int) == inner.sum(dtype=int)
        assert (inner == inner[:, 1::3, 1::3].repeat(3, axis=1).repeat(3, axis=2)).all()
        ours, theirs = inner[:, 1::3, 1::3] / 255 * 16, load_digits().images
        # A level of 255 is 16/255 of theirs, and rounding moves by half of one.
        assert np.abs(sorted(ours.sum((1, 2))) - np.sort(theirs.sum((1, 2)))).max() <= 64 * 8 / 255
        assert (images.min(), images.max()) == (0, 255)

    def test_the_split_is_stratified_and_fixed(self):
        data = datasets.load("digits")
        assert (len(data.train_labels), len(data.test_labels)) == (1437, 360)
        train, test = np.bincount(data.train_labels), np.bincount(data.test_labels)
        assert np.abs(test - (train + test) / 5).max() < 1
        again = datasets.load("digits")
        np.testing.assert_array_equal(again.test_images, data.test_images)

    def test_labels_belong_to_their_images(self):
        data = datasets.load("digits")
        train, test = (
            x.reshape(len(x), -1).astype(float) for x in (data.train_images, data.test_images)
        )
        distances = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
        nearest = data.train_labels[distances.argmin(axis=1)]
        assert (nearest == data.test_labels).mean() > 0.97


class TestSearch:
    def test_root_comes_before_the_variable_and_the_cache(
        self, root, tmp_path, cache, packed, monkeypatch
    ):
        given = store(tmp_path / "given", packed)
        store(cache, packed)
        monkeypatch.setenv("HWLIB_DATA", str(given))
        assert datasets.find("mnist", root) == root / "MNIST/raw"
        assert datasets.find("mnist") == given / "MNIST/raw"
        assert datasets.find("mnist", tmp_path) == given / "MNIST/raw"
        monkeypatch.delenv("HWLIB_DATA")
        assert datasets.find("mnist", tmp_path) == cache / "MNIST/raw"

    def test_an_empty_variable_is_no_variable(self, monkeypatch):
        monkeypatch.setenv("HWLIB_DATA", "")
        assert datasets.find("mnist") is None

    def test_the_users_cache_folder_is_the_default(self, packed, tmp_path, monkeypatch):
        monkeypatch.delenv("HWLIB_CACHE")
        monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "home" / name)
        folder = store(tmp_path / "home/hwlib", packed) / "MNIST/raw"
        assert datasets.find("mnist") == folder

    @pytest.mark.parametrize("variable", ["HWLIB_DATA", "HWLIB_CACHE"])
    def test_a_relative_variable_is_an_error(self, variable, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        Path("data").mkdir()
        monkeypatch.setenv(variable, "data")
        with pytest.raises(DataError, match=f"{variable}='data' is a relative path.*absolute"):
            datasets.load("mnist")

    def test_a_folder_that_does_not_exist_is_an_error(self, monkeypatch, tmp_path):
        gone = tmp_path / "gone"
        with pytest.raises(
            DataError, match=r"root='.*gone' cannot be used: No such file.*Pass a folder"
        ):
            datasets.load("mnist", gone)
        monkeypatch.setenv("HWLIB_DATA", str(gone))
        with pytest.raises(
            DataError, match=r"HWLIB_DATA='.*gone' cannot be used: No such.*Unset it"
        ):
            datasets.find("mnist")
        gone.write_text("")
        with pytest.raises(DataError, match="Not a directory"):
            datasets.find("mnist")


class TestBrokenArchives:
    @pytest.mark.parametrize("file", FILES)
    def test_one_is_missing(self, root, file):
        (root / "MNIST/raw" / file).unlink()
        assert datasets.find("mnist", root) is None
        with pytest.raises(DataError, match=f"{file} is missing, and others .* fetch`"):
            datasets.load("mnist", root)

    @pytest.mark.parametrize("file", FILES)
    def test_one_is_cut_short(self, root, packed, file, cache):
        (root / "MNIST/raw" / file).write_bytes(packed[file][:-7])
        short, whole = f"{len(packed[file]) - 7:,}", f"{len(packed[file]):,}"
        with pytest.raises(DataError, match=f"{file} is cut short, .*{short} bytes of {whole}"):
            datasets.load("mnist", root)
        assert not any("tmp" in name for name in files_below(cache))

    def test_one_is_damaged(self, root, packed):
        file = FILES[0]
        damaged = bytearray(packed[file])
        damaged[len(damaged) // 2] ^= 1
        (root / "MNIST/raw" / file).write_bytes(damaged)
        md5, expected = (hashlib.md5(x).hexdigest() for x in (damaged, packed[file]))
        with pytest.raises(DataError, match=f"damaged; its MD5 is {md5}, not {expected}") as caught:
            datasets.load("mnist", root)
        assert "\n" not in str(caught.value)
        assert "Put an intact copy in its place" in str(caught.value)

    def test_one_is_another_file(self, root, packed):
        (root / "MNIST/raw" / FILES[1]).write_bytes(packed[FILES[0]])
        with pytest.raises(DataError, match="is another file"):
            datasets.load("mnist", root)

    def test_one_cannot_be_read(self, root, monkeypatch):
        def refuse(path: Path) -> bytes:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(DataError, match="cannot be read: Permission denied"):
            datasets.load("mnist", root)

    def test_one_in_the_cache_names_the_command_that_mends_it(self, cache, packed):
        store(cache, packed)
        (cache / "MNIST/raw" / FILES[0]).write_bytes(b"")
        with pytest.raises(DataError, match="Run `hwlib data fetch` to download it again"):
            datasets.load("mnist")

    def test_one_that_breaks_after_it_was_unpacked_is_still_refused(self, root):
        datasets.load("mnist", root)
        (root / "MNIST/raw" / FILES[0]).write_bytes(b"broken")
        with pytest.raises(DataError, match="cut short"):
            datasets.load("mnist", root)

    @pytest.mark.parametrize(
        "wrong",
        [
            struct.pack(">HBB3I", 1, 8, 3, 400, 28, 28) + bytes(400 * 784),
            struct.pack(">HBB3I", 0, 9, 3, 400, 28, 28) + bytes(400 * 784),
            struct.pack(">HBB3I", 0, 8, 3, 401, 28, 28) + bytes(401 * 784),
            struct.pack(">HBB3I", 0, 8, 3, 400, 28, 28) + bytes(400 * 784 - 1),
            struct.pack(">HBB3I", 0, 8, 3, 400, 28, 28) + bytes(400 * 784 + 1),
            struct.pack(">HBB1I", 0, 8, 1, 400 * 784) + bytes(400 * 784),
            b"",
        ],
    )
    def test_what_is_not_the_expected_idx_is_refused(self, packed, tmp_path, wrong, monkeypatch):
        packed[FILES[0]] = gzip.compress(wrong)
        register(monkeypatch, packed)
        with pytest.raises(DataError, match=r"not an IDX file of shape \(400, 28, 28\)"):
            datasets.load("mnist", store(tmp_path / "wrong", packed))


class TestUnpacking:
    @pytest.mark.parametrize(
        "damage", [lambda b: b[:-1], lambda b: b[:0], lambda b: b[:-1] + b"\0"]
    )
    def test_a_damaged_unpacked_file_is_made_anew(self, root, arrays, cache, damage):
        arrays[FILES[0]].flat[-1] or pytest.fail("the last byte must not be 0 already")
        datasets.load("mnist", root)
        intact = files_below(cache)
        for path in (cache / "unpacked").iterdir():
            path.write_bytes(damage(path.read_bytes()))
        assert files_below(cache) != intact
        assert_holds(datasets.load("mnist", root), arrays)
        assert files_below(cache) == intact

    def test_many_processes_at_once(self, root, arrays, cache, tmp_path):
        go = tmp_path / "go"
        code = (
            "import pathlib, time\n"
            f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.001)\n"
            f"data = load('mnist', {str(root)!r})\n"
            "print(int(data.train_images.sum()), int(data.test_labels.sum()))"
        )
        processes = [run_python(code) for _ in range(4)]
        time.sleep(0.5)  # so that all of them wait for the start together
        go.touch()
        expected = f"{arrays[FILES[0]].sum()} {arrays[FILES[3]].sum()}\n"
        assert [p.communicate() for p in processes] == [(expected, "")] * 4
        assert set(files_below(cache)) == unpacked()

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
    def test_an_interruption_leaves_nothing(self, root, cache, monkeypatch, error):
        seen = []

        def interrupt(path: Path, _: Path) -> None:
            seen.append(path.stat().st_size)
            raise error

        monkeypatch.setattr(Path, "replace", interrupt)
        with pytest.raises(type(error)):
            datasets.load("mnist", root)
        assert seen == [16 + 400 * 784]
        assert files_below(cache) == {}

    def test_a_process_killed_while_it_writes_does_no_harm(self, root, arrays, cache):
        code = (
            "import os, signal\n"
            "def half(handle):\n"
            "    os.ftruncate(handle, 1000)\n"
            "    print('half', flush=True)\n"
            "    signal.pause()\n"
            "os.fsync = half\n"
            f"load('mnist', {str(root)!r})"
        )
        process = run_python(code)
        assert process.stdout.readline() == "half\n"
        # The half of a process at work is let alone, that of one that was killed is not.
        assert_holds(datasets.load("mnist", root), arrays)
        assert [len(data) for name, data in files_below(cache).items() if "tmp" in name] == [1000]
        process.kill()
        process.communicate()
        for path in (cache / "unpacked").glob("*.idx"):
            path.unlink()
        assert_holds(datasets.load("mnist", root), arrays)
        assert set(files_below(cache)) == unpacked()

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
    def test_a_cache_that_takes_no_file(self, root, cache, monkeypatch, number):
        def refuse(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", refuse)
        reason = rf"cannot write 0\.3 MB to .*unpacked: {os.strerror(number)}\. .*set HWLIB_CACHE"
        with pytest.raises(DataError, match=reason) as caught:
            datasets.load("mnist", root)
        assert caught.value.__cause__.errno == number
        assert files_below(cache) == {}

    def test_a_disk_that_is_full(self, root, arrays, cache):
        cache.mkdir()
        code = (
            "from pathlib import Path\n"
            f"try: print(int(load('mnist', {str(root)!r}).train_images.sum()))\n"
            "except DataError as error: print(error)\n"
            f"print(sum(path.is_file() for path in Path({str(cache)!r}).rglob('*')))"
        )
        out, err = run_python(code, before=full_then_roomy(cache, "200k")).communicate()
        full, n_files, _, roomy, n_unpacked = out.splitlines()
        assert "cannot write 0.3 MB to" in full, err
        assert "No space left on device. Make room there" in full
        assert [n_files, n_unpacked] == ["0", "4"]
        assert roomy == str(arrays[FILES[0]].sum())

    def test_a_cache_below_a_file(self, root, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("kept")
        monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "file" / "cache"))
        with pytest.raises(DataError, match=r"cannot write .*Not a directory.* set HWLIB_CACHE"):
            datasets.load("mnist", root)
        assert (tmp_path / "file").read_text() == "kept"

    def test_a_cache_that_the_user_may_not_write_to(self, packed):
        code = (
            "import os\n"
            # Root may write anywhere.
            "if os.geteuid() == 0: os.seteuid(65534)\n"
            "try: load('mnist', os.environ['HWLIB_DATA'])\n"
            "except DataError as error: print(error)"
        )
        # Not in tmp_path, which is closed to that other user.
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            root, cache = store(Path(folder) / "root", packed), Path(folder) / "cache"
            cache.mkdir(mode=0o555)
            settings = {"HWLIB_DATA": str(root), "HWLIB_CACHE": str(cache)}
            out, err = run_python(code, **settings).communicate()
            assert list(cache.iterdir()) == []
        assert "unpacked: Permission denied. Make room there, or set HWLIB_CACHE" in out, err

    def test_a_limit_that_the_system_sets(self, root, cache):
        code = (
            "import resource\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            f"try: load('mnist', {str(root)!r})\n"
            "except DataError as error: print(error)"
        )
        out, err = run_python(code, PYTHONDONTWRITEBYTECODE="1").communicate()
        assert "unpacked: File too large. Make room there" in out, err
        assert files_below(cache) == {}


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


@pytest.fixture
def mirror(packed, monkeypatch) -> Iterator[Mirror]:
    """The only mirror of MNIST."""
    import torchvision

    monkeypatch.setenv("no_proxy", "*")
    with contextlib.closing(Mirror(dict(packed))) as mirror:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror.url])
        yield mirror


class TestDownload:
    def test_what_is_nowhere_is_downloaded_once(self, mirror, arrays, cache):
        assert_holds(datasets.load("mnist"), arrays)
        assert set(mirror.asked) == set(FILES)
        assert datasets.find("mnist") == cache / "MNIST/raw"
        assert len(files_below(cache)) == 8
        mirror.asked.clear()
        assert_holds(datasets.load("mnist"), arrays)
        assert datasets.fetch("mnist") == cache / "MNIST/raw"
        assert mirror.asked == []

    @pytest.mark.usefixtures("mirror")
    def test_a_root_without_the_data_set_stays_empty(self, arrays, tmp_path):
        (tmp_path / "empty").mkdir()
        assert_holds(datasets.load("mnist", tmp_path / "empty"), arrays)
        assert list((tmp_path / "empty").iterdir()) == []

    @pytest.mark.usefixtures("mirror")
    def test_progress_is_shown(self, capfd):
        datasets.fetch("mnist")
        assert "100%" in capfd.readouterr().err

    def test_an_interrupted_download_is_taken_up_again(self, mirror, arrays, cache, packed):
        store(cache, {file: packed[file] for file in FILES[:2]})
        assert datasets.find("mnist") is None
        assert_holds(datasets.load("mnist"), arrays)
        assert set(mirror.asked) == set(FILES[2:])

    def test_a_process_killed_during_a_download_does_no_harm(
        self, mirror, arrays, cache, packed, tmp_path
    ):
        half, killed = threading.Event(), threading.Event()

        def hold_the_second() -> None:
            if mirror.asked[-1] == FILES[1]:
                half.set()
                killed.wait(60)

        mirror.between_halves = hold_the_second
        process = run_python(mirror.only + "fetch('mnist')", TMPDIR=str(tmp_path))
        assert half.wait(60)
        process.kill()
        process.communicate()
        killed.set()
        assert files_below(cache) == {f"MNIST/raw/{FILES[0]}": packed[FILES[0]]}
        mirror.asked.clear()
        assert_holds(datasets.load("mnist"), arrays)
        assert set(mirror.asked) == set(FILES[1:])

    def test_two_downloads_at_once(self, mirror, arrays, cache, packed):
        together = threading.Barrier(2, timeout=60)
        mirror.between_halves = together.wait
        code = mirror.only + "print(int(load('mnist').train_images.sum()))"
        processes = [run_python(code) for _ in range(2)]
        assert {p.communicate()[0] for p in processes} == {f"{arrays[FILES[0]].sum()}\n"}
        assert set(files_below(cache)) == unpacked() | {f"MNIST/raw/{file}" for file in packed}

    @pytest.mark.parametrize(
        ("full", "words"),
        [("cache", "cannot write 0.3 MB to"), ("tmp", "cannot download 0.3 MB to")],
    )
    def test_a_disk_that_is_full(self, mirror, cache, tmp_path, full, words):
        cache.mkdir()
        (tmp_path / "tmp").mkdir()
        code = mirror.only + (
            "from pathlib import Path\n"
            "try: fetch('mnist')\n"
            "except DataError as error: print(error)\n"
            f"print(sum(path.is_file() for path in Path({str(tmp_path / full)!r}).rglob('*.gz')))"
        )
        before = full_then_roomy(tmp_path / full, "200k")
        process = run_python(code, before=before, TMPDIR=str(tmp_path / "tmp"))
        out, err = process.communicate()
        first, n_files, _, n_roomy = out.splitlines()
        assert words in first, err
        assert "No space left on device. Make room there" in first
        assert [n_files, n_roomy] == ["0", "4" if full == "cache" else "0"]

    def test_a_home_that_cannot_be_written_to(self, mirror, arrays, root, tmp_path, monkeypatch):
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        for variable in ("HWLIB_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(variable, raising=False)
        code = mirror.only + (
            "import warnings; warnings.simplefilter('error')\n"
            f"for given in (None, {str(root)!r}):\n"
            "    try: load('mnist', given)\n"
            "    except DataError as error: print(error)"
        )
        out, err = run_python(code, before=read_only(home)).communicate()
        fetched, given = out.splitlines()
        for line, folder in ((fetched, "MNIST/raw"), (given, "unpacked")):
            assert f"to {home}/.cache/hwlib/{folder}: Read-only file system." in line, err
            assert "set HWLIB_CACHE to the absolute path of a writable folder" in line
        assert list(home.iterdir()) == []
        monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "elsewhere"))
        assert_holds(datasets.load("mnist"), arrays)

    def test_fetch_replaces_what_is_broken_in_the_cache(self, mirror, arrays, cache, packed):
        store(cache, packed)
        (cache / "MNIST/raw" / FILES[2]).write_bytes(b"broken")
        datasets.fetch("mnist")
        assert set(mirror.asked) == {FILES[2]}
        assert_holds(datasets.load("mnist"), arrays)

    def test_what_is_broken_and_cannot_be_replaced_is_named(self, mirror, cache, packed):
        store(cache, packed)
        broken = cache / "MNIST/raw" / FILES[3]
        broken.write_bytes(packed[FILES[3]][:-5])
        (cache / "MNIST/raw" / FILES[0]).unlink()
        mirror.files.pop(FILES[3])
        with pytest.raises(DataError, match=rf"{FILES[3]} is cut short.*but now .* is not here"):
            datasets.load("mnist")
        assert broken.exists()

    def test_fetch_leaves_a_broken_root_alone(self, mirror, root):
        (root / "MNIST/raw" / FILES[2]).write_bytes(b"broken")
        with pytest.raises(DataError, match="take its folder out of root and HWLIB_DATA"):
            datasets.fetch("mnist", root)
        assert (root / "MNIST/raw" / FILES[2]).read_bytes() == b"broken"
        assert mirror.asked == []

    def test_the_next_mirror_serves_what_the_first_does_not(self, mirror, arrays, monkeypatch):
        import torchvision

        with contextlib.closing(Mirror({FILES[0]: b"not what was asked for"})) as broken:
            monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [broken.url, mirror.url])
            assert_holds(datasets.load("mnist"), arrays)
        assert set(broken.asked) == set(mirror.asked) == set(FILES)

    def test_what_arrives_wrong_is_not_kept(self, mirror, cache):
        mirror.files[FILES[1]] = b"<html>please log in</html>"
        with pytest.raises(DataError, match="what arrived is cut short, or another file: 26 bytes"):
            datasets.fetch("mnist")
        assert list(files_below(cache)) == [f"MNIST/raw/{FILES[0]}"]

    @pytest.mark.usefixtures("packed")
    def test_a_mirror_that_does_not_answer_is_given_up(self, monkeypatch):
        import torchvision

        monkeypatch.setattr(download, "TIMEOUT", 0.3)
        monkeypatch.setenv("no_proxy", "*")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [url])
            with pytest.raises(DataError, match="timed out"):
                datasets.fetch("mnist")
        assert socket.getdefaulttimeout() is None

    @pytest.mark.usefixtures("mirror")
    def test_no_room_for_it(self, cache, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", full)
        with pytest.raises(DataError, match=r"cannot download .*No space left.*set TMPDIR"):
            datasets.load("mnist")
        assert not cache.exists()

    @pytest.mark.usefixtures("mirror")
    def test_a_cache_that_takes_no_archive(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "file" / "cache"))
        with pytest.raises(DataError, match=r"cannot write .*MNIST/raw.*set HWLIB_CACHE"):
            datasets.load("mnist")


class TestFallback:
    @pytest.fixture(autouse=True)
    def unreachable(self, mirror):
        mirror.files.clear()

    def test_digits_stand_in_and_say_so(self, cache):
        with pytest.warns(datasets.FallbackWarning, match="^Built without") as warned:
            data = datasets.load("mnist")
        assert warned[0].filename == __file__
        assert "HTTP Error 404" in str(warned[0].message)
        assert (data.name, data.requested, data.is_fallback) == ("digits", "mnist", True)
        np.testing.assert_array_equal(data.test_images, datasets.load("digits").test_images)
        assert not cache.exists()

    def test_the_warning_can_be_silenced_from_outside(self, mirror):
        code = mirror.only + "print(load('mnist').name)"
        out, err = run_python(code, PYTHONWARNINGS="ignore:Built without").communicate()
        assert (out, err) == ("digits\n", "")

    def test_no_server_at_all(self, monkeypatch):
        import torchvision

        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [url])
        with pytest.warns(datasets.FallbackWarning, match="refused"):
            datasets.load("mnist")

    def test_a_cache_that_cannot_be_written_to_is_no_obstacle(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "file" / "cache"))
        with pytest.warns(datasets.FallbackWarning):
            assert datasets.load("mnist").name == "digits"

    def test_a_missing_torchvision_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torchvision", None)
        with pytest.warns(datasets.FallbackWarning, match=r'pip install "hwlib\[torch\]"'):
            datasets.load("mnist")

    def test_required_data_that_is_not_here_is_an_error(self, cache, monkeypatch, tmp_path):
        monkeypatch.setenv("HWLIB_REQUIRE_DATA", "1")
        monkeypatch.setenv("HWLIB_DATA", str(tmp_path))
        with pytest.raises(DataError) as caught:
            datasets.load("mnist")
        message = str(caught.value)
        assert f"Looked in {tmp_path}, {cache}; the download failed" in message
        assert "HTTP Error 404" in message
        assert "Run `hwlib data fetch`" in message
        assert "HWLIB_DATA to the absolute path of a folder with MNIST/raw/" in message
        assert "\n" not in message

    def test_digits_are_always_here(self, monkeypatch):
        monkeypatch.setenv("HWLIB_REQUIRE_DATA", "1")
        assert not datasets.load("digits").is_fallback


class TestNotice:
    def test_a_fallback_gets_a_box(self, mirror):
        mirror.files.clear()
        with pytest.warns(datasets.FallbackWarning):
            note = datasets.notice(datasets.load("mnist"))
        markup = note._repr_html_()
        assert markup.startswith('<div class="hw-notice" role="note">')
        for words in (
            "built without the archives of MNIST",
            "handwritten digits",
            "the text speaks of other pictures",
            "hwlib data fetch mnist",
        ):
            assert words in markup
            assert words in repr(note)

    def test_what_was_asked_for_gets_none(self, root):
        for data in (datasets.load("mnist", root), datasets.load("digits")):
            note = datasets.notice(data)
            assert (note._repr_html_(), repr(note)) == ("", "")
