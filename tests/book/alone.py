"""An environment with hwlib's wheel, some of its extras, Jupyter's kernel, and nothing else.

It is a virtual environment whose packages are links to those of this one: all that the wheel's own
metadata asks for, and what that needs in turn. Nothing is downloaded, and what a notebook uses
without asking for it is not there. Whoever needs no kernel can do without it.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KERNEL = "alone"


@dataclass(frozen=True)
class Environment:
    """Its interpreter, and the folder that ``JUPYTER_PATH`` names to find its kernel."""

    python: Path
    jupyter_path: Path


def make(folder: Path, wheel: Path, extras: set[str], kernel: bool = True) -> Environment:
    """Make the environment of a wheel with some extras."""
    venv.create(folder, symlinks=True, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    for distribution in needed(in_wheel(wheel), extras, kernel):
        _link(distribution, packages)
    options = ["--no-deps", "--no-index", "--quiet", "--target", str(packages)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    python = folder / "bin" / "python"
    return Environment(python, _with_kernel(folder / "share" / "jupyter", python))


def in_wheel(wheel: Path) -> Distribution:
    """The distribution that a wheel holds."""
    with zipfile.ZipFile(wheel) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
    return PathDistribution(zipfile.Path(wheel, name.removesuffix("METADATA")))


def needed(distribution: Distribution, extras: set[str], kernel: bool) -> list[Distribution]:
    """What a distribution with these extras needs, and a kernel, from what is installed here."""
    waiting = [*_required(distribution, extras), *[Requirement("ipykernel")] * kernel]
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in seen:
            seen.add(str(requirement))
            installed = importlib.metadata.distribution(requirement.name)
            found[canonicalize_name(requirement.name)] = installed
            waiting += _required(installed, requirement.extras)
    return [found[name] for name in sorted(found)]


def _required(distribution: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _link(distribution: Distribution, packages: Path) -> None:
    """Link each folder and module of a distribution."""
    names = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
    for name in names:
        place = packages / name
        if not place.exists():  # some share a folder, such as nvidia
            place.symlink_to(distribution.locate_file(name))


def _with_kernel(folder: Path, python: Path) -> Path:
    kernel = folder / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": command, "display_name": KERNEL, "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
