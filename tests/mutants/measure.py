"""Line and branch coverage of ``src/hwlib`` by its tests; it fails below 95% of either.

Which test ran which line, and how long it took, stays in ``.mutants`` for ``run.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".mutants"
LEAST = 95.0
# The other tests of the book look at the site, or build pages with an interpreter of their own.
TESTS = ["tests", "--ignore=tests/book", "tests/book/test_faults.py"]
MARKS = "not site and not notebooks and not grading"


def main() -> int:
    """Run the tests, in subprocesses too; return 0 if they pass and both shares suffice."""
    BUILD.mkdir(exist_ok=True)
    shutil.rmtree(BUILD / "pages", ignore_errors=True)
    for file in [*BUILD.glob("coverage*"), *BUILD.glob("seconds.json")]:
        file.unlink()
    settings = ROOT / "pyproject.toml"
    variables = {
        "COVERAGE_FILE": str(BUILD / "coverage"),
        "COVERAGE_PROCESS_START": str(settings),
        "HWLIB_SECONDS": str(BUILD / "seconds.json"),
        "HWLIB_TEST": "",
    }
    pytest = ["pytest", "-p", "tests.mutants.contexts", "-p", "no:cacheprovider", "-q"]
    command = [sys.executable, "-m", "coverage", "run", "-m", *pytest, "-m", MARKS, *TESTS]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=False)
    os.chdir(ROOT)
    os.environ["COVERAGE_FILE"] = variables["COVERAGE_FILE"]
    measured = coverage.Coverage(config_file=str(settings))
    measured.combine()
    measured.save()
    measured.report()
    return int(done.returncode != 0 or not _enough(measured))


def _enough(measured: coverage.Coverage) -> bool:
    file = BUILD / "coverage.json"
    measured.json_report(outfile=str(file))
    totals = json.loads(file.read_text(encoding="utf-8"))["totals"]
    shares = {
        "lines": 100 * totals["covered_lines"] / totals["num_statements"],
        "branches": 100 * totals["covered_branches"] / totals["num_branches"],
        "both": totals["percent_covered"],
    }
    print(", ".join(f"{name} {share:.1f}%" for name, share in shares.items()))
    return min(shares.values()) >= LEAST


if __name__ == "__main__":
    sys.exit(main())
