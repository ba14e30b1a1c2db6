"""Build the site twice, in two places and two surroundings, and compare every byte.

``reproduce.py`` builds from clean copies of the files that git tracks; ``reproduce.py ONE OTHER``
compares two built sites. The digest of a site is that of the list which ``sha256sum`` prints of
its files in the order of their names, so that nothing of this is needed to check it::

    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = 60  # bytes of each file around the first difference


@dataclass(frozen=True)
class Surroundings:
    """What may be different about two builds without a difference in the site."""

    folder: str
    umask: int
    variables: dict[str, str] = field(hash=False)


# The two time zones never have the same date.
SURROUNDINGS = (
    Surroundings("one", 0o022, {"PYTHONHASHSEED": "1", "TZ": "Etc/GMT+12", "LC_ALL": "C.UTF-8"}),
    Surroundings(
        "the other, elsewhere",
        0o077,
        {"PYTHONHASHSEED": "2", "TZ": "Etc/GMT-14", "LC_ALL": "C", "LANGUAGE": "de"},
    ),
)


class BuildError(RuntimeError):
    """A build failed; the message ends with what it said last."""


def files(site: Path) -> dict[str, Path]:
    """All files of a site by name, in the order of ``LC_ALL=C sort``."""
    found = {f"./{path.relative_to(site).as_posix()}": path for path in site.rglob("*")}
    return {name: found[name] for name in sorted(found, key=str.encode) if found[name].is_file()}


def digest(site: Path) -> str:
    """One SHA-256 for all names and contents."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n"
        for name, path in files(site).items()
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def differences(one: Path, other: Path) -> Iterator[str]:
    """What tells two sites apart, a line for each file: names first, then contents."""
    ours, theirs = files(one), files(other)
    for name in ours.keys() - theirs.keys():
        yield f"{name}: only in the first site"
    for name in theirs.keys() - ours.keys():
        yield f"{name}: only in the second site"
    for name in sorted(ours.keys() & theirs.keys()):
        place = first_difference(ours[name].read_bytes(), theirs[name].read_bytes())
        if place:
            yield f"{name}: {place}"


def first_difference(one: bytes, other: bytes) -> str | None:
    """Where two texts part, and how each goes on there; None where they do not."""
    if one == other:
        return None
    pairs = enumerate(zip(one, other, strict=False))
    at = next((at for at, (our, their) in pairs if our != their), min(len(one), len(other)))
    start = max(0, at - SHOWN // 2)
    ours, theirs = (text[start : start + SHOWN] for text in (one, other))
    line = one.count(b"\n", 0, at) + 1
    return f"line {line}, byte {at}: {ours!r}, and {theirs!r}"


def copy_tracked(source: Path, target: Path) -> None:
    """Copy the files that git tracks, as they are in the working tree, and nothing else."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=source, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def build(root: Path, surroundings: Surroundings) -> Path:
    """Build the book in ``root``, and return the folder of the site.

    Raises:
        BuildError: The build failed.
    """
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "."]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **surroundings.variables,
    }
    done = subprocess.run(
        command,
        cwd=root,
        env=environment,
        umask=surroundings.umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"the build in {root} failed:\n{done.stdout.decode()[-4000:]}")
    return root / "_build" / "html"


def compare(one: Path, other: Path) -> int:
    """Print how two sites differ, or that they do not; return 1 if they do."""
    found = list(differences(one, other))
    if found:
        print(f"{len(found)} file{'s' if len(found) > 1 else ''} differ:", *found, sep="\n")
        return 1
    size = sum(path.stat().st_size for path in files(one).values())
    print(
        f"All {len(files(one))} files of both sites are the same, byte for byte: "
        f"{size:,} bytes, SHA-256 of the whole {digest(one)}."
    )
    return 0


def reproduce(source: Path, place: Path) -> int:
    """Build twice below ``place`` and compare."""
    for surroundings in SURROUNDINGS:  # both now: an edit during the first build is no difference
        copy_tracked(source, place / surroundings.folder)
    return compare(*(build(place / each.folder, each) for each in SURROUNDINGS))


def main(sites: list[str]) -> int:
    """Compare the two sites that are named, or else two new ones; return 0 if they are equal."""
    if sites:
        return compare(*map(Path, sites))
    place = Path(tempfile.mkdtemp(prefix="reproduce-"))
    try:
        failed = reproduce(ROOT, place)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    if failed:
        print(f"Both sites are still in {place}.")
    else:
        shutil.rmtree(place)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
