"""One file per network: sizes and weights, written at once, read without running any of it."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, SupportsIndex

import torch
from torch import nn

from hwlib._files import write_whole
from hwlib.mlp._network import blank, check_sizes, sizes_of

_FORMAT = "hwlib.mlp 1"


def save(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a network to one file.

    The file appears complete or not at all: an older file of that name stays as it was until the
    new one is on disk.

    Args:
        network: From :func:`~hwlib.mlp.build`, on any device.
        path: The file, customarily ``*.pt``.

    Raises:
        TypeError: The network is not a dense ReLU network.
        OSError: The file cannot be written, and any older one is unchanged; or ``path`` is a
            folder or a device.

    Example:
        >>> from hwlib import mlp
        >>> mlp.save(mlp.build(), "network.pt")
        >>> mlp.parameter_count(mlp.load("network.pt"))
        242762
    """
    state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, "sizes": list(sizes_of(network)), "state": state}, buffer)
    write_whole(path, buffer.getvalue())


def load(
    path: str | os.PathLike[str], *, sizes: Sequence[SupportsIndex] | None = None
) -> nn.Sequential:
    """Read a network that :func:`save` wrote.

    Nothing in the file is executed: it is read as a table of tensors, and anything else in it is
    refused.

    Args:
        path: The file.
        sizes: The sizes that the network must have; None takes those of the file.

    Returns:
        The network on the CPU, its weights and their dtype as they were saved, bit by bit.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: The file is damaged, was not written by :func:`save`, or holds a network of
            other sizes.
    """
    contents = Path(path).read_bytes()
    try:
        network = _restore(contents)
    except Exception as error:  # zipfile and torch meet damage with almost any exception
        why = "it does not hold the weights of such a network"
        if isinstance(error, ValueError | zipfile.BadZipFile):
            why = str(error)
        raise ValueError(
            f"{path} is not a network saved by hwlib.mlp.save, or it is damaged or cut short "
            f"({why}): save it anew, or load a copy"
        ) from error
    found = sizes_of(network)
    if sizes is not None and check_sizes(sizes) != found:
        raise ValueError(
            f"{path} holds a network of sizes {found}, not {tuple(sizes)}: "
            "ask for its sizes, or leave sizes out"
        )
    return network


def _restore(contents: bytes) -> nn.Sequential:
    saved = tensors(contents, _FORMAT)
    network = blank(check_sizes(saved["sizes"]))
    network.load_state_dict(saved["state"], assign=True)
    return network


def tensors(contents: bytes, file_format: str) -> dict[str, Any]:
    """What torch.save wrote: a table of tensors and plain values, read without running anything.

    Raises:
        ValueError: It is no such file, or of another format.
        zipfile.BadZipFile: It is damaged.
    """
    # Anything else torch.load would hand to its readers of older formats.
    if not contents.startswith(b"PK\x03\x04"):
        raise ValueError("it is not a zip file")
    # Torch checks no checksums: a flipped bit would become another weight.
    with zipfile.ZipFile(io.BytesIO(contents)) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"the checksum of its part {damaged} is wrong")
    saved: dict[str, Any] = torch.load(io.BytesIO(contents), map_location="cpu", weights_only=True)
    if saved.get("format") != file_format:
        raise ValueError(f"it is not in the format {file_format!r}")
    return saved
