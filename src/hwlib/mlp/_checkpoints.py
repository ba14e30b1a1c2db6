"""Trainings that survive: their state, written whole after each epoch, and found again."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from hwlib._files import write_whole
from hwlib.mlp._storage import tensors

_FORMAT = "hwlib.mlp checkpoint 1"


class Checkpoint:
    """One file with the last state of one training."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path.resolve(), run

    def read(self) -> Any | None:
        """The state that was written last; None where there is no file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is damaged, no checkpoint, or one of another training.
        """
        try:
            contents = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            saved = tensors(contents, _FORMAT)
            run, state = saved["run"], saved["state"]
        except Exception as error:  # zipfile and torch meet damage with almost any exception
            raise ValueError(
                f"{self._path} is not a checkpoint of hwlib.mlp.train, or it is damaged ({error}): "
                "delete it to start anew, or name another file"
            ) from error
        if run != self._run:
            raise ValueError(
                f"{self._path} belongs to another training, with another recipe, seed, network or "
                "data: give the same ones to go on with it, the network as it was before training, "
                "or name another file"
            )
        return state

    def write(self, state: Any) -> None:
        """Replace the state.

        Raises:
            OSError: The file cannot be written; the last one is unchanged.
        """
        buffer = io.BytesIO()
        torch.save({"format": _FORMAT, "run": self._run, "state": state}, buffer)
        write_whole(self._path, buffer.getvalue(), "checkpoint")


def fingerprint(*parts: Any) -> str:
    """Equal for equal trainings: of tensors, of networks' states, and of what has a repr."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, torch.Tensor):
            digest.update(repr((part.dtype, tuple(part.shape))).encode())
            # As bytes: NumPy does not know all types of numbers.
            digest.update(part.detach().cpu().flatten().view(torch.uint8).numpy().data)
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()
