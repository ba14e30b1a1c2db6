"""One source, three editions of each notebook.

A source is a MyST text, as jupytext reads it. Its cells say what they are:

- ``answer: NAME``: code with a solution between ``### BEGIN SOLUTION`` and ``### END SOLUTION``;
- ``check: KEY``: an empty cell, filled in with the check and its points;
- ``written: NAME``: a written answer, which a person reads;
- ``rubric: NAME``: how to read the written answer before it.

They become cells in nbgrader's format, so that the instructor edition is a source for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import hwlib
from hwlib._extras import require
from hwlib._files import write_whole
from hwlib.homework._problem import Check
from hwlib.homework._problems import PROBLEMS, Problem, find

Edition = Literal["student", "solution", "instructor"]
Notebook = Any  # nbformat has no types

EDITIONS: tuple[Edition, ...] = ("student", "solution", "instructor")
SCHEMA = 3  # of nbgrader's metadata
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"  # nbgrader's own
TEXT_STUB = "YOUR ANSWER HERE"
MINUTES = 10  # for a cell that trains, on a slow machine
_SOLUTION = re.compile(r"^(\s*)### BEGIN SOLUTION\n.*?### END SOLUTION(?:\n|\Z)", re.M | re.S)
_MARKS = re.compile(r"^\s*### (?:BEGIN|END) SOLUTION\n?", re.M)


def file_name(problem: Problem, edition: Edition) -> str:
    """What the notebook is called: the student edition as it is handed in."""
    return f"{problem.name}.ipynb" if edition == "student" else f"{problem.name}-{edition}.ipynb"


def wheel_name() -> str:
    """The file that the notebooks install hwlib from."""
    return f"hwlib-{hwlib.__version__}-py3-none-any.whl"


def write(edition: Edition, folder: Path) -> list[Path]:
    """Write the five notebooks of an edition.

    The solution and the instructor edition are executed; the same sources give the same bytes.

    Raises:
        ModuleNotFoundError: A package is missing that the extra ``homework`` brings.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        save(make(problem, edition)[edition], folder / file_name(problem, edition))
        for problem in PROBLEMS
    ]


def save(notebook: Notebook, path: Path) -> Path:
    """Write a notebook."""
    nbformat = require("nbformat", "homework")
    nbformat.validate(notebook)
    write_whole(path, (nbformat.writes(notebook) + "\n").encode(), "notebook")
    return path


def make(problem: Problem, *editions: Edition) -> dict[Edition, Notebook]:
    """Editions of a notebook. The solution is executed, once; the instructor has its outputs."""
    made: dict[Edition, Notebook] = {}
    if "student" in editions:
        made["student"] = student(problem)
    if "solution" in editions or "instructor" in editions:
        if problem.needs_torch:
            require("torch", "torch")
        executed = execute(solution(problem))
        if "solution" in editions:
            made["solution"] = executed
        if "instructor" in editions:
            made["instructor"] = _with_outputs(instructor(problem), executed)
    return made


def _with_outputs(notebook: Notebook, executed: Notebook) -> Notebook:
    for cell, run in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = run.outputs, run.execution_count
    return notebook


def student(problem: Problem) -> Notebook:
    """Statements, code with holes, and checks."""
    notebook = _without("rubric", _read(problem))
    for cell in notebook.cells:
        if "answer" in cell.metadata:
            cell.source = _SOLUTION.sub(_stub, cell.source).rstrip("\n")
        elif "written" in cell.metadata:
            cell.source = TEXT_STUB
    return _finished(notebook, problem)


def solution(problem: Problem) -> Notebook:
    """The holes filled in, for readers."""
    notebook = _without("rubric", _read(problem))
    for cell in notebook.cells:
        cell.source = _MARKS.sub("", cell.source).rstrip("\n")
    return _finished(notebook, problem)


def instructor(problem: Problem) -> Notebook:
    """The source for nbgrader: solutions in their marks, rubrics, and the feedback to mistakes."""
    notebook = _read(problem)
    rubrics = {c.metadata["rubric"]: c.source for c in notebook.cells if "rubric" in c.metadata}
    notebook = _without("rubric", notebook)
    written = [cell for cell in notebook.cells if "written" in cell.metadata]
    for cell in written:
        cell.source += f"\n\n**Rubric** (no points)\n\n{rubrics[cell.metadata['written']]}"
    written[-1].source += f"\n\n{_table(problem)}"
    return _finished(notebook, problem)


def execute(notebook: Notebook) -> Notebook:
    """Run a notebook's cells, but for the one that installs hwlib."""
    preprocessors = require("nbconvert", "homework").preprocessors
    runner = preprocessors.ExecutePreprocessor(
        timeout=60 * MINUTES,
        kernel_name="python3",
        record_timing=False,
        # Nothing of the machine gets into the outputs: no notice about the transport, no history.
        extra_arguments=["--IPKernelApp.log_level=ERROR", "--HistoryManager.enabled=False"],
    )
    with _alike_everywhere():
        executed, _ = runner.preprocess(notebook, {})
    executed.metadata["language_info"] = {"name": "python"}
    for cell in executed.cells:
        cell.metadata.pop("execution", None)
    return executed


def _read(problem: Problem) -> Notebook:
    """The source as a notebook, cells with identifiers that do not change."""
    jupytext = require("jupytext", "homework")
    path = resources.files("hwlib.homework") / "sources" / f"{problem.name}.md"
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{problem.name}-{number:02}"
        cell.source = cell.source.replace("WHEEL", wheel_name())
    return notebook


def _without(sort: str, notebook: Notebook) -> Notebook:
    """The notebook without the cells of a sort."""
    preprocessors = require("nbconvert", "homework").preprocessors
    for cell in notebook.cells:
        if sort in cell.metadata:
            cell.metadata.setdefault("tags", []).append(sort)
    remover = preprocessors.TagRemovePreprocessor(remove_cell_tags={sort}, enabled=True)
    return remover.preprocess(notebook, {})[0]


def _stub(region: re.Match[str]) -> str:
    return "".join(f"{region[1]}{line}\n" for line in CODE_STUB.splitlines())


def _finished(notebook: Notebook, problem: Problem) -> Notebook:
    """The notebook with checks and nbgrader's metadata in place of the source's own."""
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        graded = _graded(cell)
        cell.metadata.clear()
        cell.metadata.update({**kept, **({"nbgrader": graded} if graded else {})})
        if graded:
            cell.id = f"{problem.name}-{graded['grade_id']}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.clear()
    notebook.metadata.update({"kernelspec": kernel, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _graded(cell: Notebook) -> dict[str, Any] | None:
    """What nbgrader has to know about a cell."""
    about: dict[str, Any] = {"schema_version": SCHEMA, "task": False}
    if "answer" in cell.metadata:
        name = cell.metadata["answer"]
        return about | {"grade": False, "grade_id": name, "locked": False, "solution": True}
    if "written" in cell.metadata:  # nbgrader has no written answers but those with points
        name = cell.metadata["written"]
        about |= {"grade": True, "grade_id": name, "locked": False, "solution": True}
        return about | {"points": 0}
    if "check" not in cell.metadata:
        return None
    found = _check(cell.metadata["check"])
    cell.source = f'from hwlib.homework import check\n\ncheck("{found.key}")'
    points = int(found.points) if found.points == int(found.points) else found.points
    about |= {"grade": True, "grade_id": f"check-{found.key}", "locked": True, "solution": False}
    return about | {"points": points}


def _check(key: str) -> Check:
    found = find(str(key))
    if found is None:
        raise ValueError(f"a source asks for the check {key!r}, which does not exist")
    return found


def _table(problem: Problem) -> str:
    """The known mistakes with the feedback that each gets."""
    rows = [
        f"| {check.key} | {mistake.name.replace('-', ' ')} | {mistake.idea} |"
        for check in problem.checks
        for mistake in check.mistakes
    ]
    head = ["**Common wrong answers, and what the checks say to them**", ""]
    return "\n".join([*head, "| check | mistake | feedback |", "| --- | --- | --- |", *rows])


@contextmanager
def _alike_everywhere() -> Iterator[None]:
    """Kernels that add up sums in one order, and warn of no folder of this machine."""
    settings = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
    settings["PYTHONWARNINGS"] = "ignore:Built without"
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
