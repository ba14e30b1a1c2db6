"""Disks that are really full, and homes that are really read-only, for one command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_UNSHARED = ["unshare", "--map-root-user", "--mount"]


def namespace(mount: str, folder: Path) -> list[str]:
    """A command to put before another, which then runs with ``mount`` done at ``folder``.

    ``mount`` is of the shell, with the folder as ``$0`` and the other command as ``$@``.
    """
    try:
        tried = subprocess.run([*_UNSHARED, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here, which gives a process mounts of its own")
    if tried.returncode != 0:
        pytest.skip(f"no namespace may be made here: {tried.stderr.decode().strip()}")
    return [*_UNSHARED, "sh", "-c", mount, str(folder)]


def full_then_roomy(folder: Path, size: str) -> list[str]:
    """Runs a command twice: on a disk of that size at the folder, then with room for all."""
    mount = f'mount -t tmpfs -o size={size} none "$0"; "$@"; echo "== $?"; '
    return namespace(mount + 'mount -o remount,size=1g "$0"; exec "$@"', folder)


def read_only(folder: Path) -> list[str]:
    """Runs a command that cannot write to the folder, whoever it is."""
    return namespace('mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"', folder)
