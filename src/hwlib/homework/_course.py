"""A course that nbgrader runs on: an assignment for each problem, and the settings.

Each problem is an assignment of its own, because nbgrader drops a whole submission if one of its
notebooks is no notebook.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hwlib._files import alone, write_whole
from hwlib.homework._editions import instructor, save
from hwlib.homework._problems import PROBLEMS

SETTINGS = '''"""Settings of nbgrader for the homework."""

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "homework"
c.Execute.timeout = 600  # seconds for a cell: two of them train a network
# exit() ends the kernel, and with it the notebook; sys.exit() ends a cell.
c.Execute.extra_arguments = [
    "--HistoryManager.hist_file=:memory:",
    "--IPKernelApp.exec_lines=import sys; exit = quit = sys.exit",
]
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": "the cell did not end within 10 minutes",
    "traceback": ["The cell did not end within 10 minutes, and was interrupted."],
}
'''


def lay_out(folder: Path) -> list[Path]:
    """Write the sources of all assignments, and nbgrader's settings.

    The sources are there complete or not at all, and the settings before them.

    Raises:
        BlockingIOError: Another process lays out a course there.
        FileExistsError: There is a course already; it may hold grades.
        ModuleNotFoundError: A package is missing that the extra ``homework`` brings.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, "lays out a course"):
        return _lay_out(folder, folder / "nbgrader_config.py", folder / "source")


def _lay_out(folder: Path, settings: Path, source: Path) -> list[Path]:
    own = SETTINGS.encode()  # of a process that was killed before the sources were complete
    taken = [source] * source.exists()
    taken += [settings] * (settings.exists() and settings.read_bytes() != own)
    if taken:
        raise FileExistsError(
            f"{taken[0]} is there already, and nothing was written: name an empty folder, or move "
            "the course away"
        )
    part = folder / ".source.part"
    shutil.rmtree(part, ignore_errors=True)
    names = [Path(problem.name, f"{problem.name}.ipynb") for problem in PROBLEMS]
    for problem, name in zip(PROBLEMS, names, strict=True):
        (part / name).parent.mkdir(parents=True)
        save(instructor(problem), part / name)
    write_whole(settings, own, "file of settings")
    part.rename(source)
    return [*(source / name for name in names), settings]
