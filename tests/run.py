"""Run the parts of ``make test``, two at a time where there are two cores, and sum up their times.

Usage: ``run.py PART:BUDGET[:AFTER] …``, where ``make PART`` runs a part, BUDGET is in seconds, and
AFTER is an earlier part without which it cannot run. What a part says is printed when it ends. A
part that fails keeps no other from running but those after it; a part over its budget is marked,
not failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

printing = threading.Lock()


def run(name: str, budget: str, needed: Future[tuple[bool, str]] | None) -> tuple[bool, str]:
    """Run a part once what it needs has passed; return whether it passed, and a summary."""
    if needed and not needed.result()[0]:
        return False, f"{name} NOT RUN"
    with printing:
        print(f"== {name} begins", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        command = ["make", "--no-print-directory", name]
        passed = subprocess.run(command, stdout=said, stderr=said, check=False).returncode == 0
        seconds = time.monotonic() - start
        said.seek(0)
        with printing:
            print(f"== {name}", flush=True)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
    note = "" if seconds <= float(budget) else f" (over its budget of {budget} s)"
    return passed, f"{name} {'ok' if passed else 'FAILED'} {seconds:.0f} s{note}"


def main(parts: list[str]) -> int:
    """Return 0 if every part passed."""
    start = time.monotonic()
    running: dict[str, Future[tuple[bool, str]]] = {}
    # Parts begin in their order, so that what a part waits for has begun.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as lanes:
        for part in parts:
            name, budget, *after = part.split(":")
            needed = running[after[0]] if after else None
            running[name] = lanes.submit(run, name, budget, needed)
    passed, summary = zip(*(one.result() for one in running.values()), strict=True)
    print(f"== {', '.join(summary)}; together {time.monotonic() - start:.0f} s")
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
