"""Broken archives are refused, and unpacking survives what a machine does to it."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import struct
import tempfile
import time
from pathlib import Path

import pytest
from tests.datasets.small import (
    FILES,
    assert_holds,
    files_below,
    register,
    run_python,
    store,
    unpacked,
)
from tests.namespaces import full_then_roomy

from hwlib import datasets
from hwlib.datasets import DataError


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
