"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import uuid
from pathlib import Path


def write_whole(path: str | os.PathLike[str], contents: bytes, what: str = "network") -> None:
    """Write a file; an older one of that name stays until the new one is on disk.

    Args:
        path: The file.
        contents: All of it.
        what: What is in it, for the message of an error.

    Raises:
        OSError: The file cannot be written, and any older one is unchanged; or ``path`` is a
            folder or a device.
    """
    try:
        # Through a link to the file that it names: replacing the link would leave that file behind.
        _replace(Path(path).resolve(), contents)
    except OSError as error:
        why = f"the {what} was not saved, an older file is unchanged: {error.strerror}"
        raise OSError(error.errno, why, str(path)) from error


def remove_halves(path: Path) -> None:
    """Remove what processes left that were killed while they wrote this file."""
    with contextlib.suppress(OSError):  # if it matters, the next read or write says so
        # Of this file alone: a training beside it may be writing one of a longer name.
        for half in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 32}.tmp"):
            half.unlink()


def _replace(path: Path, contents: bytes) -> None:
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "there is no file of that name but something else")
    # Beside its target: a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
