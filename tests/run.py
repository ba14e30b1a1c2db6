"""Run the parts of ``make test``, two at a time where there are two cores, and sum up their times.

Usage: ``run.py PART:BUDGET[:AFTER] …``, where ``make PART`` runs a part, BUDGET is in seconds, and
AFTER is an earlier part that has to end first. What a part says is printed when it ends. A part
that fails does not keep the others from running; a part over its budget is marked, not failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ended: dict[str, threading.Event] = {}
printing = threading.Lock()


def run(part: str) -> tuple[bool, str]:
    """Run a part once what it needs has ended; return whether it passed, and a summary."""
    name, budget, *after = part.split(":")
    for needed in after:  # began earlier, as parts are taken in their order
        ended[needed].wait()
    with printing:
        print(f"== {name} begins", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        command = ["make", "--no-print-directory", name]
        passed = subprocess.run(command, stdout=said, stderr=said, check=False).returncode == 0
        seconds = time.monotonic() - start
        ended[name].set()
        said.seek(0)
        with printing:
            print(f"== {name}", flush=True)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
    note = "" if seconds <= float(budget) else f" (over its budget of {budget} s)"
    return passed, f"{name} {'ok' if passed else 'FAILED'} {seconds:.0f} s{note}"


def main(parts: list[str]) -> int:
    """Return 0 if every part passed."""
    ended.update({part.partition(":")[0]: threading.Event() for part in parts})
    start = time.monotonic()
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as lanes:
        passed, summary = zip(*lanes.map(run, parts), strict=True)
    print(f"== {', '.join(summary)}; together {time.monotonic() - start:.0f} s")
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
