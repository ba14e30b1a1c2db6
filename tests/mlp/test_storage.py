"""Files of networks: complete or not at all, and nothing in them is run."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import (
    PLAIN,
    SMALL,
    clusters,
    ordinary_user,
    same_bits,
    small_files_only,
)

from hwlib import mlp


class Payload:
    """Pickles to a call that leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


class TestStorage:
    @pytest.mark.parametrize("sizes", [mlp.SIZES, SMALL, (784, 10)])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_saved_network_comes_back_bit_by_bit(
        self, tmp_path: Path, sizes: tuple[int, ...], dtype: torch.dtype
    ) -> None:
        network = mlp.build(sizes, seed=1).to(dtype)
        mlp.save(network, tmp_path / "network.pt")
        loaded = mlp.load(str(tmp_path / "network.pt"), sizes=sizes)
        assert same_bits(loaded, network)
        assert repr(loaded) == repr(network)
        assert [path.name for path in tmp_path.iterdir()] == ["network.pt"]

    def test_a_loaded_network_trains_on_as_the_original_would(self, tmp_path: Path) -> None:
        network = mlp.build(SMALL)
        mlp.save(network, tmp_path / "network.pt")
        loaded = mlp.load(tmp_path / "network.pt")
        mlp.train(network, clusters(), PLAIN)
        mlp.train(loaded, clusters(), PLAIN)
        assert same_bits(loaded, network)
        assert not same_bits(loaded, mlp.build(SMALL))

    def test_an_older_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL, seed=0), path)
        mlp.save(mlp.build((16, 3), seed=1), path)
        assert same_bits(mlp.load(path), mlp.build((16, 3), seed=1))

    def test_other_sizes_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with pytest.raises(
            ValueError, match=r"network.pt holds .* \(16, 12, 8, 3\), not \(784, 10\)"
        ):
            mlp.load(path, sizes=(784, 10))

    def test_a_file_cut_short_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        whole = path.read_bytes()
        for length in [*range(0, len(whole), 97), len(whole) - 1]:
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"network.pt is not .* cut short"):
                mlp.load(path)

    def test_a_flipped_bit_never_changes_a_weight(self, tmp_path: Path) -> None:
        network, path, rng = mlp.build(SMALL), tmp_path / "network.pt", np.random.default_rng(0)
        mlp.save(network, path)
        whole = path.read_bytes()
        refused = 0
        for position in rng.choice(len(whole), 200, replace=False):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            try:
                assert same_bits(mlp.load(path), network)
            except ValueError:
                refused += 1
        assert refused > 50

    @pytest.mark.parametrize("old_format", [True, False])
    def test_a_malicious_file_is_refused_and_not_run(
        self, tmp_path: Path, old_format: bool
    ) -> None:
        path, trace = tmp_path / "network.pt", tmp_path / "trace"
        contents = {"format": "hwlib.mlp 1", "sizes": [16, 3], "state": Payload(trace)}
        if old_format:
            path.write_bytes(pickle.dumps(contents))
        else:
            torch.save(contents, path)
        with pytest.raises(ValueError, match="is not a network saved by"):
            mlp.load(path)
        assert not trace.exists()
        pickle.loads(pickle.dumps(Payload(trace)))
        assert trace.exists(), "the payload does nothing, so the test proves nothing"

    @pytest.mark.parametrize(
        ("contents", "message"),
        [
            ({"format": "other"}, "not in the format"),
            (mlp.build(SMALL).state_dict(), "not in the format"),
            ([1, 2], "does not hold the weights"),
            ({"format": "hwlib.mlp 1"}, "does not hold the weights"),
            ({"format": "hwlib.mlp 1", "sizes": [16], "state": {}}, "sizes must be"),
            ({"format": "hwlib.mlp 1", "sizes": [16, 3], "state": {}}, "does not hold the weights"),
            (
                {
                    "format": "hwlib.mlp 1",
                    "sizes": [9, 3],
                    "state": mlp.build((16, 3)).state_dict(),
                },
                "does not hold the weights",
            ),
        ],
    )
    def test_foreign_contents_are_refused(
        self, tmp_path: Path, contents: Any, message: str
    ) -> None:
        torch.save(contents, tmp_path / "network.pt")
        with pytest.raises(ValueError, match=rf"network.pt is not a network .*{message}"):
            mlp.load(tmp_path / "network.pt")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"network\.pt"):
            mlp.load(tmp_path / "network.pt")
        with pytest.raises(FileNotFoundError, match=r"was not saved.*network\.pt"):
            mlp.save(mlp.build(SMALL), tmp_path / "nowhere" / "network.pt")

    def test_a_folder_that_cannot_be_written_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with ordinary_user(tmp_path), pytest.raises(PermissionError, match=r"was not saved.*\.pt"):
            mlp.save(mlp.build(SMALL, seed=1), path)
        self.unchanged(path)

    def test_a_write_that_stops_half_way_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        with small_files_only(), pytest.raises(OSError, match=r"was not saved.*network\.pt"):
            mlp.save(mlp.build(SMALL, seed=1), path)
        self.unchanged(path)

    def test_a_full_disk_keeps_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        path = tmp_path / "network.pt"
        mlp.save(mlp.build(SMALL), path)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device.*network\.pt") as caught:
            mlp.save(mlp.build(SMALL, seed=1), path)
        assert caught.value.errno == errno.ENOSPC
        self.unchanged(path)

    @pytest.mark.parametrize("target", [".", os.devnull])
    def test_what_is_no_file_is_not_replaced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(OSError, match=r"was not saved.*something else"):
            mlp.save(mlp.build(SMALL), target)
        assert not Path(target).is_file()

    def test_a_link_keeps_pointing_to_the_file_that_is_saved(self, tmp_path: Path) -> None:
        link, file = tmp_path / "link.pt", tmp_path / "network.pt"
        link.symlink_to(file)
        mlp.save(mlp.build(SMALL), link)
        assert link.is_symlink()
        assert same_bits(mlp.load(file), mlp.build(SMALL))

    @staticmethod
    def unchanged(path: Path) -> None:
        assert same_bits(mlp.load(path), mlp.build(SMALL))
        assert [file.name for file in path.parent.iterdir()] == [path.name]
