"""From an archive to an array, by way of an unpacked copy in the cache folder."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwlib._files import replace
from hwlib.datasets._archives import Archive, DataError, cache_folder, read_intact

_UNSIGNED_BYTE = 0x08  # IDX's code of the element type


def read(path: Path, archive: Archive) -> NDArray[np.uint8]:
    """The array in an archive.

    Returns:
        An array of ``archive.shape``, uint8; read-only.

    Raises:
        DataError: The archive is not intact, or the cache folder cannot be written to.
    """
    packed = read_intact(path, archive)
    unpacked = cache_folder() / "unpacked" / f"{archive.md5}.idx"
    content = _read_unpacked(unpacked, packed)
    if content is None:
        content = gzip.decompress(packed)
        store(unpacked, content)
    return parse_idx(content, archive.shape)


def store(target: Path, content: bytes) -> None:
    """Write a file of the cache folder that is there complete or not at all.

    Processes that write the same file at the same time do not disturb one another.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(target, content)
    except OSError as error:
        raise DataError(
            f"cannot write {len(content) / 1e6:.1f} MB to {target.parent}: {error.strerror}. "
            "Make room there, or set HWLIB_CACHE to the absolute path of a writable folder"
        ) from error


def parse_idx(content: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read the IDX format: two zero bytes, element type, number of axes, sizes, elements.

    Args:
        content: The whole file.
        shape: The shape that it must have.

    Returns:
        An array of that shape, uint8; read-only, for it shares the memory of ``content``.

    Raises:
        DataError: The header states something else, or the length does not fit it.

    The format is described at the end of http://yann.lecun.com/exdb/mnist/.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, _UNSIGNED_BYTE, len(shape), *shape)
    if not content.startswith(header) or len(content) != len(header) + math.prod(shape):
        raise DataError(
            f"these {len(content):,} bytes, which start with {content[: len(header)].hex()}, "
            f"are not an IDX file of shape {shape}: use the archives that the authors publish"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _read_unpacked(path: Path, packed: bytes) -> bytes | None:
    """The unpacked copy, if it is what the archive's own checksum says."""
    try:
        content = path.read_bytes()
    except OSError:
        return None  # if it is there and unreadable, replacing it tells why
    (checksum,) = struct.unpack("<I", packed[-8:-4])  # gzip ends with CRC-32 and length
    return content if zlib.crc32(content) == checksum else None
