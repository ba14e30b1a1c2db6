"""Planted faults: the proof that each claim of the book can fail.

``faults.toml`` lists small mistakes, each with the claims that must turn red when it is made.
A fault is planted in a copy of the sources; the page's cells then run against that copy, with
claims gathered instead of raised, so that one run shows all that turned red.

Run as a script, it plants every fault (or those whose number is given).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).with_name("faults.toml")


@dataclass(frozen=True)
class Fault:
    """One mistake: ``old`` becomes ``new`` in ``file``, and ``claims`` of ``page`` turn red."""

    about: str
    page: str
    file: str
    old: str
    new: str
    claims: tuple[str, ...]


def load(path: Path = FAULTS) -> list[Fault]:
    """The faults of a list."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return [Fault(**{**entry, "claims": tuple(entry["claims"])}) for entry in entries]


def unnamed(claims: set[str], faults: list[Fault]) -> set[str]:
    """The claims that no fault names: nothing shows that they can fail."""
    return claims - {name for fault in faults for name in fault.claims}


def unknown(claims: set[str], faults: list[Fault]) -> set[str]:
    """The names in faults that are no claim of the book."""
    return {name for fault in faults for name in fault.claims} - claims


def misplaced(fault: Fault, root: Path = ROOT) -> str | None:
    """Why a fault cannot be planted, or None."""
    count = (root / fault.file).read_text(encoding="utf-8").count(fault.old)
    return None if count == 1 else f"{fault.about}: old text occurs {count} times in {fault.file}"


def statuses(page: str, fault: Fault | None = None, root: Path = ROOT) -> dict[str, str]:
    """Run a page's cells with a fault planted: each claim's status, by name.

    A cell that raises adds the entry ``error``, and the cells after it do not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("src", "book", "benchmarks/results"):
            if (root / part).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "_static", "_templates", "_ext")
                shutil.copytree(root / part, copy / part, ignore=ignored)
        if fault is not None:
            target = copy / fault.file
            text = target.read_text(encoding="utf-8")
            target.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
        return _run_cells(copy, page)


def missed(fault: Fault, root: Path = ROOT) -> dict[str, str]:
    """The claims that a fault names and that did not turn red, with what happened instead."""
    found = statuses(fault.page, fault, root)
    otherwise = found.get("error", "not reached")
    return {name: found.get(name, otherwise) for name in fault.claims if found.get(name) != "false"}


def _run_cells(copy: Path, page: str) -> dict[str, str]:
    report = copy / "statuses.json"
    environment = os.environ | {
        "PYTHONPATH": str(copy / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
    }
    source = copy / "book" / f"{page}.md"
    command = [sys.executable, __file__, "--cells", str(source), str(report)]
    done = subprocess.run(
        command, cwd=copy / "book", env=environment, capture_output=True, text=True, check=False
    )
    if not report.exists():
        raise RuntimeError(f"{page} did not run:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(report.read_text(encoding="utf-8"))


def _execute(source: Path, report: Path) -> None:
    """Run a page's code cells in this process, gathering the claims."""
    from myst_nb.core.read import read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig

    from hwlib import claims

    found: dict[str, str] = {}
    claims._settle = lambda stated, *_: found.__setitem__(stated.name, stated.status)
    text = source.read_text(encoding="utf-8")
    notebook = read_myst_markdown_notebook(text, MdParserConfig())
    namespace: dict[str, object] = {"__name__": "__main__"}
    try:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, str(source), "exec"), namespace)
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    report.write_text(json.dumps(found), encoding="utf-8")


def main(numbers: list[str]) -> int:
    """Plant the numbered faults, or all; print one line for each; return 0 if all turned red."""
    faults = load()
    chosen = [int(number) for number in numbers] or range(len(faults))
    failures = 0
    for index in chosen:
        wrong = misplaced(faults[index]) or missed(faults[index])
        failures += bool(wrong)
        print(f"{index:3d} {'MISSED' if wrong else 'found'}  {faults[index].about}", flush=True)
        if wrong:
            print(f"      {wrong}", flush=True)
    print(f"{len(chosen) - failures} passed, {failures} failed")
    return int(failures > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cells"]:
        _execute(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main(sys.argv[1:]))
