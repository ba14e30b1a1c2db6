"""One ``.npz`` file for each network: arrays and text, no pickle."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwlib._files import write_whole

FORMAT = "hwlib.backprop 1"


def write(path: str | os.PathLike[str], parts: Mapping[str, Any]) -> None:
    """Write the parts of a network at once."""
    buffer = io.BytesIO()
    np.savez(buffer, format=np.array(FORMAT), **parts)
    write_whole(path, buffer.getvalue())


def read(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The parts of a network.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is not of this format, or damaged.
    """
    contents = Path(path).read_bytes()
    try:
        return _parts(contents)
    except Exception as error:  # zipfile and NumPy meet damage with almost any exception
        raise unreadable(path, error) from error


def unreadable(path: str | os.PathLike[str], why: object) -> ValueError:
    """The error for a file that holds no network."""
    return ValueError(
        f"{path} is not a network saved by hwlib.backprop, or it is damaged or cut short ({why}): "
        "save it anew, or load a copy"
    )


def _parts(contents: bytes) -> dict[str, NDArray[Any]]:
    if not contents.startswith(b"PK\x03\x04"):
        raise ValueError("it is not a zip file")  # which NumPy might take for an array or a pickle
    with np.load(io.BytesIO(contents), allow_pickle=False) as archive:
        parts = {name: archive[name] for name in archive.files}
    found = str(parts.pop("format", ""))
    if found != FORMAT:
        raise ValueError(f"its format is {found!r}, not {FORMAT!r}")
    return parts
