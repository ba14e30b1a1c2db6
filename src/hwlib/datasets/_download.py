"""Downloading through torchvision, into the cache folder."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hwlib._extras import require
from hwlib.datasets._archives import (
    Archive,
    Collection,
    DataError,
    cache_folder,
    find_fault,
    holder,
    lookup,
    places,
    raw_folder,
    read_intact,
)
from hwlib.datasets._unpacking import store

TIMEOUT = 10.0  # seconds without an answer, after which a mirror counts as out of reach
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class UnavailableError(DataError):
    """The archives are in no folder, and cannot be downloaded."""


class _MirrorError(Exception):
    """A mirror did not deliver; the message says what it did."""


def fetch(name: str, root: str | os.PathLike[str] | None = None) -> Path:
    """Make sure that all archives of a data set are here and intact.

    Whatever the cache folder lacks is downloaded, with a progress bar, and whatever is broken in
    it is downloaded again. Archives in ``root`` or in ``$HWLIB_DATA`` are only checked.

    Args:
        name: ``"fashion-mnist"`` or ``"mnist"``.
        root: A folder to look in first.

    Returns:
        The folder that holds the four archives.

    Raises:
        DataError: Archives cannot be downloaded or stored, or those in a given folder are not
            intact.
        ValueError: There are no archives of that name.
    """
    collection = lookup(name)
    cache = raw_folder(cache_folder(), collection)
    folder = holder(name, root) or cache
    for archive in collection.archives:
        try:
            read_intact(folder / archive.file, archive)
        except DataError as broken:
            if folder != cache:
                raise
            try:
                packed = _download_from_any(collection, archive, places(root))
            except UnavailableError as unavailable:
                if not (folder / archive.file).exists():
                    raise
                raise DataError(f"{broken}; but now {unavailable}") from unavailable
            store(folder / archive.file, packed)
    return folder


def _download_from_any(
    collection: Collection, archive: Archive, looked_in: Sequence[Path]
) -> bytes:
    """The archive from the first mirror that delivers it."""
    failures = []
    try:
        torchvision = require("torchvision", "torch")
    except ModuleNotFoundError as error:
        failures.append(str(error))
    else:
        for mirror in getattr(torchvision.datasets, collection.folder).mirrors:
            try:
                return _download(f"{mirror}{archive.file}", archive)
            except _MirrorError as error:
                failures.append(f"{mirror}{archive.file}: {error}")
    raise UnavailableError(
        f"{collection.title} is not here. Looked in {', '.join(map(str, looked_in))}; "
        f"the download failed ({'; '.join(failures)}). Run `hwlib data fetch` where there is a "
        f"network, or set HWLIB_DATA to the absolute path of a folder with "
        f"{collection.folder}/raw/{archive.file} and the other archives in it"
    )


def _download(url: str, archive: Archive) -> bytes:
    """The archive from one address, checked.

    Raises:
        DataError: There is no room for it.
        _MirrorError: Anything else went wrong.
    """
    from torchvision.datasets.utils import download_url

    with tempfile.TemporaryDirectory() as folder:
        try:
            with _timeout(TIMEOUT):
                download_url(url, folder, archive.file)
            packed = (Path(folder) / archive.file).read_bytes()
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise DataError(
                    f"cannot download {archive.size / 1e6:.1f} MB to {folder}: {error.strerror}. "
                    "Make room there, or set TMPDIR to another folder"
                ) from error
            raise _MirrorError(str(error) or type(error).__name__) from error
    if fault := find_fault(packed, archive):
        raise _MirrorError(f"what arrived {fault}")
    return packed


@contextlib.contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Bound how long a connection may stay silent: torchvision has no parameter for it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
