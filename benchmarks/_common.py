"""What every benchmark records besides its numbers: the machine, the versions, the date."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TypedDict

RESULTS = Path(__file__).parent / "results"


class Result(TypedDict):
    """One number: ``what`` is a sentence that says how it came about."""

    value: float
    unit: str
    what: str


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A command line with ``--output``, the file of results."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--output", type=Path, default=RESULTS / f"{name}.json")
    return arguments


def write_results(
    name: str,
    results: Mapping[str, Result],
    *,
    packages: Sequence[str],
    output: Path,
    device: str = "cpu",
) -> None:
    """Write the results of ``benchmarks/<name>.py`` as JSON, replacing earlier ones at once."""
    record = {
        "machine": machine(device),
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", f"benchmarks/{name}.py", *sys.argv[1:]]),
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in packages},
        "results": results,
    }
    temporary = output.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(output)


def machine(device: str = "cpu") -> str:
    """Processor, cores and system in one line, after the GPU if one did the work."""
    cores = os.cpu_count()
    line = f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}"
    if device == "cpu":
        return line
    import torch  # the other benchmarks do without it

    return f"{torch.cuda.get_device_name(device)}; {line}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
