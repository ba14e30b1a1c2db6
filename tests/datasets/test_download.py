"""What is not here is fetched, once, or digits stand in and say so."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading

import numpy as np
import pytest
from tests.datasets.small import (
    FILES,
    Mirror,
    assert_holds,
    files_below,
    run_python,
    store,
    unpacked,
)
from tests.namespaces import full_then_roomy, read_only

from hwlib import datasets
from hwlib.datasets import DataError
from hwlib.datasets import _download as download


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
