"""Which archives there are, where they are looked for, and whether they are intact."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


class DataError(RuntimeError):
    """The files of a data set cannot be used. The message, one line, names cause and remedy."""


@dataclass(frozen=True)
class Archive:
    """One file of a data set, as its authors publish it: an array of bytes in IDX, gzipped.

    Attributes:
        file: The name of the file.
        md5: The MD5 of the file.
        size: The size of the file in bytes.
        shape: The shape of the array in it: (n, 28, 28) for images, (n,) for labels.
    """

    file: str
    md5: str
    size: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Collection:
    """The archives of one data set.

    Attributes:
        title: The name of the data set in prose.
        folder: The name of torchvision's class and of its folder.
        classes: The names of the classes, in the order of the labels.
        archives: Training images, training labels, test images, test labels.
    """

    title: str
    folder: str
    classes: tuple[str, ...]
    archives: tuple[Archive, Archive, Archive, Archive]


CLOTHING = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DIGITS = tuple("0123456789")

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"

ARCHIVES: dict[str, Collection] = {
    "fashion-mnist": Collection(
        "Fashion-MNIST",
        "FashionMNIST",
        CLOTHING,
        (
            Archive(TRAIN_IMAGES, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880, (60_000, 28, 28)),
            Archive(TRAIN_LABELS, "25c81989df183df01b3e8a0aad5dffbe", 29_515, (60_000,)),
            Archive(TEST_IMAGES, "bef4ecab320f06d8554ea6380940ec79", 4_422_102, (10_000, 28, 28)),
            Archive(TEST_LABELS, "bb300cfdad3c16e7a12a480ee83cd310", 5_148, (10_000,)),
        ),
    ),
    "mnist": Collection(
        "MNIST",
        "MNIST",
        DIGITS,
        (
            Archive(TRAIN_IMAGES, "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422, (60_000, 28, 28)),
            Archive(TRAIN_LABELS, "d53e105ee54ea40749a09fcbcd1e9432", 28_881, (60_000,)),
            Archive(TEST_IMAGES, "9fb629c4189551a2d022fa330f9573f3", 1_648_877, (10_000, 28, 28)),
            Archive(TEST_LABELS, "ec29112dd5afa0611ce80d1b7f02629c", 4_542, (10_000,)),
        ),
    ),
}
"""The data sets that come as archives, by the names that :func:`load` takes.

Fashion-MNIST: Xiao, Rasul and Vollgraf (2017), https://github.com/zalandoresearch/fashion-mnist.
MNIST: LeCun, Cortes and Burges.
"""


def find(name: str, root: str | os.PathLike[str] | None = None) -> Path | None:
    """Look for the archives of a data set; their contents are not read.

    Args:
        name: ``"fashion-mnist"`` or ``"mnist"``.
        root: A folder to look in first.

    Returns:
        The folder that holds all four archives, or None where :func:`load` would have to download
        some, or would refuse an incomplete set.

    Raises:
        DataError: ``root``, ``$HWLIB_DATA`` or ``$HWLIB_CACHE`` is no usable folder.
        ValueError: There are no archives of that name.
    """
    folder = holder(name, root)
    if folder is None or not all((folder / a.file).is_file() for a in lookup(name).archives):
        return None
    return folder


def holder(name: str, root: str | os.PathLike[str] | None = None) -> Path | None:
    """The first folder that holds any archive of the data set."""
    collection = lookup(name)
    for place in places(root):
        folder = raw_folder(place, collection)
        if any((folder / archive.file).is_file() for archive in collection.archives):
            return folder
    return None


def lookup(name: str) -> Collection:
    """The collection of that name, or a ValueError that lists what there is."""
    if name not in ARCHIVES:
        known = " and ".join(map(repr, ARCHIVES))
        raise ValueError(
            f"no archives of {name!r}: there are {known}, "
            "and 'digits', which comes with scikit-learn and needs none"
        )
    return ARCHIVES[name]


def raw_folder(place: Path, collection: Collection) -> Path:
    """Where torchvision keeps the archives below ``place``."""
    return place / collection.folder / "raw"


def places(root: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where data is looked for, first to last: the given folders, checked, then the cache."""
    given = []
    if root is not None:
        given.append(_readable(Path(root), f"root={os.fspath(root)!r}", "Pass"))
    if os.environ.get("HWLIB_DATA"):
        path = _absolute("HWLIB_DATA")
        given.append(_readable(path, f"HWLIB_DATA={str(path)!r}", "Unset it, or set it to"))
    return [*given, cache_folder()]


def cache_folder() -> Path:
    """The one folder that this package writes to; it need not exist yet."""
    if os.environ.get("HWLIB_CACHE"):
        return _absolute("HWLIB_CACHE")
    return platformdirs.user_cache_path("hwlib")


def _absolute(variable: str) -> Path:
    value = os.environ[variable]
    if not Path(value).is_absolute():
        raise DataError(
            f"{variable}={value!r} is a relative path, which means another folder in a notebook "
            "than in the shell: set it to an absolute one"
        )
    return Path(value)


def _readable(path: Path, setting: str, remedy: str) -> Path:
    try:
        os.scandir(path).close()
    except OSError as error:
        raise DataError(
            f"{setting} cannot be used: {error.strerror}. {remedy} a folder with the archives in "
            "torchvision's layout"
        ) from error
    return path


def read_intact(path: Path, archive: Archive) -> bytes:
    """The bytes of an archive, or a DataError that says what is wrong with them."""
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        fault: str | None = "is missing, and others of its data set are there"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    else:
        fault = find_fault(packed, archive)
        if fault is None:
            return packed
    raise DataError(f"{path} {fault}. {_remedy(path)}")


def find_fault(packed: bytes, archive: Archive) -> str | None:
    """What tells these bytes from the archive, or None."""
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if md5 == archive.md5:
        return None
    if len(packed) < archive.size:
        reason = f"is cut short, or another file: {len(packed):,} bytes of {archive.size:,}"
    elif len(packed) > archive.size:
        reason = f"is another file: {len(packed):,} bytes instead of {archive.size:,}"
    else:
        reason = "has the right length but is damaged"
    return f"{reason}; its MD5 is {md5}, not {archive.md5}"


def _remedy(path: Path) -> str:
    place = path.parents[2]  # above <folder>/raw/<file>
    if place == cache_folder():
        return "Run `hwlib data fetch` to download it again"
    return (
        "Put an intact copy in its place, or take its folder out of root and HWLIB_DATA "
        "and run `hwlib data fetch`"
    )
