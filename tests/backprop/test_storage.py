"""Saved and read back bit by bit; what is no such file is refused, and nothing in it runs."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from tests.backprop import reference

from hwlib.backprop import Network

X, y = reference.clusters()


def contents(network, tmp_path):
    network.save(tmp_path / "network.npz")
    return (tmp_path / "network.npz").read_bytes()


def repacked(data, **changes):
    """The same file with other parts; None leaves a part out."""
    with np.load(io.BytesIO(data)) as archive:
        parts = dict(archive) | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{name: part for name, part in parts.items() if part is not None})
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_a_network_comes_back_bit_by_bit(tmp_path, dtype, activation):
    network = Network((6, 5, 3), activation, seed=9, dtype=dtype)
    network.fit(X, y)
    network.save(tmp_path / "network.npz")
    back = Network.load(str(tmp_path / "network.npz"))
    assert (back.sizes, back.activation, back.dtype) == ((6, 5, 3), activation, network.dtype)
    assert reference.same_bits(reference.copies(network), back)
    back.fit(X, y)


def test_the_file_is_named_as_asked_and_is_read_without_pickle(tmp_path):
    Network((6, 3)).save(tmp_path / "network.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["network.bin"]
    with np.load(tmp_path / "network.bin", allow_pickle=False) as archive:
        assert {"format", "sizes", "activation", "weights_0", "biases_0"} == set(archive.files)


def test_an_older_file_stays_if_the_new_one_cannot_be_written(tmp_path):
    path = tmp_path / "network.npz"
    Network((6, 3)).save(path)
    before = path.read_bytes()
    broken = Network((6, 3))
    broken.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"weights\[0\] holds an entry that is not finite"):
        broken.save(path)
    assert path.read_bytes() == before
    with pytest.raises(OSError, match="was not saved"):
        Network((6, 3)).save(tmp_path)
    with pytest.raises(OSError, match="was not saved"):
        Network((6, 3)).save(tmp_path / "no" / "folder.npz")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": None}, "format is ''"),
        ({"format": np.array("hwlib.backprop 2")}, "format is 'hwlib.backprop 2'"),
        ({"sizes": None}, "sizes"),
        ({"sizes": np.array([6])}, "two positive integers"),
        ({"sizes": np.array([6, 4, 3])}, r"weights\[0\] has shape \(6, 5\)"),
        ({"sizes": np.array([6.5, 5, 3])}, "two positive integers"),
        ({"activation": np.array("swish")}, "'swish'"),
        ({"weights_1": None}, "weights_1"),
        ({"weights_0": np.zeros((6, 5), int)}, "dtype must be"),
        ({"biases_0": np.zeros(4)}, r"biases\[0\] has shape \(4,\)"),
        ({"biases_0": np.full(5, np.inf)}, "not finite"),
    ],
)
def test_other_parts_are_refused(tmp_path, changes, words):
    data = contents(Network((6, 5, 3)), tmp_path)
    path = tmp_path / "other.npz"
    path.write_bytes(repacked(data, **changes))
    with pytest.raises(ValueError, match=words) as caught:
        Network.load(path)
    assert "other.npz is not a network saved by hwlib.backprop" in str(caught.value)


def test_damage_anywhere_is_refused_or_harmless(tmp_path):
    network = Network((6, 5, 3))
    data = contents(network, tmp_path)
    path, before = tmp_path / "damaged.npz", reference.copies(network)
    refused = []
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        try:
            back = Network.load(path)
        except ValueError as error:
            refused.append(str(error))
        else:  # a byte that nothing reads, such as a time stamp
            assert reference.same_bits(before, back)
    assert len(refused) > len(data) / 14
    assert all("is not a network saved by" in words for words in refused)
    for end in (0, 1, 100, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="damaged or cut short"):
            Network.load(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a file was executed",))


def test_a_pickle_is_refused_and_not_run(tmp_path):
    path = tmp_path / "bomb.npz"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="not a zip file"):
        Network.load(path)
    data = contents(Network((6, 3)), tmp_path)
    path.write_bytes(data)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Bomb()], object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("format.npy", buffer.getvalue())
    with pytest.raises(ValueError, match="is not a network saved"):
        Network.load(path)
