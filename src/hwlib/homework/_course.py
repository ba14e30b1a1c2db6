"""A course that nbgrader runs on: an assignment for each problem, and the settings.

Each problem is an assignment of its own, because nbgrader drops a whole submission if one of its
notebooks is no notebook.
"""

from __future__ import annotations

from pathlib import Path

from hwlib._files import write_whole
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

    Raises:
        FileExistsError: There is a course already; it may hold grades.
        ModuleNotFoundError: A package is missing that the extra ``homework`` brings.
        OSError: The folder cannot be written.
    """
    settings = folder / "nbgrader_config.py"
    taken = [path for path in (settings, folder / "source") if path.exists()]
    if taken:
        raise FileExistsError(
            f"{taken[0]} is there already, and nothing was written: name an empty folder, or move "
            "the course away"
        )
    written = []
    for problem in PROBLEMS:
        source = folder / "source" / problem.name
        source.mkdir(parents=True)
        written.append(save(instructor(problem), source / f"{problem.name}.ipynb"))
    write_whole(settings, SETTINGS.encode(), "file of settings")
    return [*written, settings]
