"""Files that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path


def write_network(path: str | os.PathLike[str], contents: bytes) -> None:
    """Write a saved network; an older file of that name stays until the new one is on disk.

    Raises:
        OSError: The file cannot be written, and any older one is unchanged; or ``path`` is a
            folder or a device.
    """
    try:
        # Through a link to the file that it names: replacing the link would leave that file behind.
        _replace(Path(path).resolve(), contents)
    except OSError as error:
        why = f"the network was not saved, an older file is unchanged: {error.strerror}"
        raise OSError(error.errno, why, str(path)) from error


def _replace(path: Path, contents: bytes) -> None:
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "there is no file of that name but something else")
    # Beside its target: a rename is atomic only within one file system.
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
