"""hwlib.datasets on the real archives, on small ones of its own making, and on digits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.small import assert_holds, files_below, store

from hwlib import datasets
from hwlib.datasets import ARCHIVES, DataError
from hwlib.datasets import _unpacking as unpacking

REAL = os.environ.get("HWLIB_DATA")


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
