"""The results of this project's benchmarks, which the library carries with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, eq=False)
class Benchmark(Mapping[str, float]):
    """The results of one benchmark of this project, each value by its key.

    Attributes:
        name: The benchmark; its file is ``benchmarks/results/<name>.json``.
        machine: What it ran on.
        date: The day on which it ran.
        command: The command that wrote the file, with its options.
        versions: The versions of Python and of the packages that took part, by name.
        entries: The values by key. The object itself is a mapping to them.
    """

    name: str
    machine: str
    date: str
    command: str
    versions: Mapping[str, str]
    entries: Mapping[str, float]

    @property
    def source(self) -> str:
        """Machine and date in one line."""
        return f"{self.machine}, {self.date}"

    def __getitem__(self, key: str) -> float:
        if key not in self.entries:
            raise KeyError(f"{self.name}.json holds no result {key!r}, only {sorted(self.entries)}")
        return self.entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def benchmark(name: str) -> Benchmark:
    """Read the results of a benchmark, for a figure or a table of them.

    What is drawn from them is as little a claim as a :func:`published` value: the caption says
    that it was not measured in this build, and names machine and date.

    Args:
        name: The file ``benchmarks/results/<name>.json``, without its ending.

    Raises:
        FileNotFoundError: There is no such file.

    Example:
        >>> results = benchmark("fashion_mnist")
        >>> "epoch_ratio" in results and results["epoch_ratio"] > 1
        True
    """
    here = Path(__file__).resolve()
    folders = [here.parent / "_results", here.parents[2] / "benchmarks" / "results"]
    path = next((f / f"{name}.json" for f in folders if (f / f"{name}.json").is_file()), None)
    if path is None:
        raise FileNotFoundError(f"no benchmark results {name!r}: run make bench to make them")
    read = json.loads(path.read_text(encoding="utf-8"))
    values = {key: float(entry["value"]) for key, entry in read["results"].items()}
    origin = {key: read[key] for key in ("machine", "date", "command", "versions")}
    return Benchmark(name=name, entries=values, **origin)
