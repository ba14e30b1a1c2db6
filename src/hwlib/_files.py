"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import sys
import uuid
from collections.abc import Iterator
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
        replace(Path(path).resolve(), contents)
    except OSError as error:
        why = f"the {what} was not saved, an older file is unchanged: {error.strerror}"
        raise OSError(error.errno, why, str(path)) from error


def replace(path: Path, contents: bytes) -> None:
    """The same with the system's own error.

    What processes left that were killed while they wrote this file is removed; what others write
    at the same time is not, and the last one to finish counts.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "there is no file of that name but something else")
    _remove_halves(path)
    # Beside its target: a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            hold(file.fileno())
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # an open file cannot be renamed there
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # that the folder is gone is the lesser news
            temporary.unlink()


@contextlib.contextmanager
def alone(folder: Path, work: str) -> Iterator[None]:
    """Keep other processes that ask for the same folder out of it.

    Args:
        folder: It is there.
        work: What is done in it, for the message of the error.

    Raises:
        BlockingIOError: Another process is in it.
    """
    if sys.platform == "win32":  # a folder cannot be held there
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            hold(handle)
        except BlockingIOError as error:
            why = f"another process {work} in this folder: wait for it, or name another folder"
            raise BlockingIOError(error.errno, why, str(folder)) from error
        yield
    finally:
        os.close(handle)


def hold(handle: int, wait: bool = False) -> bool:
    """Hold what is open under a descriptor, until it is closed or this process ends, however.

    Returns:
        Whether it is held: not every system can do that.

    Raises:
        BlockingIOError: Another process holds it, and this one does not wait.
    """
    if sys.platform == "win32":
        return True  # what is open cannot be removed there
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _remove_halves(path: Path) -> None:
    # Of this file alone: a training beside it may be writing one of a longer name.
    for half in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 32}.tmp"):
        with contextlib.suppress(OSError), half.open("rb") as file:
            # One that is empty may be about to be held.
            if half.stat().st_size and hold(file.fileno()):
                half.unlink()
