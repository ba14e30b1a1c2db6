"""Run the parts of ``make test`` one after another, and sum up their times.

Usage: ``run.py PART:BUDGET …``, where ``make PART`` runs a part and BUDGET is in seconds. A part
that fails does not keep the others from running; a part over its budget is marked, not failed.
"""

from __future__ import annotations

import subprocess
import sys
import time


def main(parts: list[str]) -> int:
    """Return 0 if every part passed."""
    summary, failed = [], False
    for part in parts:
        name, _, budget = part.partition(":")
        print(f"== {name}", flush=True)
        start = time.monotonic()
        passed = subprocess.run(["make", "--no-print-directory", name], check=False).returncode == 0
        seconds = time.monotonic() - start
        failed |= not passed
        note = "" if seconds <= float(budget) else f" (over its budget of {budget} s)"
        summary.append(f"{name} {'ok' if passed else 'FAILED'} {seconds:.0f} s{note}")
    print("== " + ", ".join(summary))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
