"""The notebooks: what each edition holds, what it scores, and that it is the same each time."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from hwlib.homework import _editions
from hwlib.homework._problems import PROBLEMS, Problem

SOURCES = Path(_editions.__file__).parent / "sources"
BY_NAME = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


def score(notebook: Any) -> dict[str, float]:
    """The points of each check, counted as nbgrader does."""
    found = {}
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if not about.get("grade") or about["solution"]:
            continue
        results = [out for out in cell.outputs if out.output_type == "execute_result"]
        bad = [out for out in cell.outputs if out.output_type == "error" or "stderr" in str(out)]
        points = float(results[0].data["text/plain"]) if results and not bad else 0.0
        assert 0 <= points <= about["points"]
        found[about["grade_id"]] = points
    return found


def text_of(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


@functools.cache
def solved(problem: Problem) -> Any:
    """The solution edition, executed."""
    return _editions.make(problem, "solution")["solution"]


@functools.cache
def handed_out(problem: Problem) -> Any:
    """The student edition, executed."""
    return _editions.execute(_editions.student(problem))


@BY_NAME
def test_as_handed_out_it_runs_to_the_end_and_scores_nothing(problem: Problem):
    notebook = handed_out(problem)
    assert set(score(notebook)) == {f"check-{check.key}" for check in problem.checks}
    assert sum(score(notebook).values()) == 0
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    assert last.execution_count is not None


@BY_NAME
def test_as_handed_out_each_check_says_that_nothing_is_written_yet(problem: Problem):
    shown = "\n".join(
        output.data["text/plain"]
        for cell in handed_out(problem).cells
        for output in cell.get("outputs", [])
        if output.output_type == "display_data"
    )
    for check in problem.checks:
        assert f"{check.function} is not written yet" in shown


@BY_NAME
def test_the_instructor_edition_has_the_outputs_of_the_solution(problem: Problem, monkeypatch):
    executed = solved(problem)
    monkeypatch.setattr(_editions, "execute", lambda _: executed)
    made = _editions.make(problem, "instructor")
    assert list(made) == ["instructor"]
    for cell, run in zip(made["instructor"].cells, executed.cells, strict=True):
        assert cell.get("outputs") == run.get("outputs")
        assert cell.get("execution_count") == run.get("execution_count")


@BY_NAME
def test_the_solution_scores_everything(problem: Problem):
    scored = score(solved(problem))
    assert scored == {f"check-{check.key}": check.points for check in problem.checks}
    assert sum(scored.values()) == problem.points


@BY_NAME
def test_the_solution_prints_no_errors(problem: Problem):
    outputs = [out for cell in solved(problem).cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.get("name") == "stderr"]


def test_two_builds_give_the_same_bytes(tmp_path: Path):
    for seed, edition in enumerate(("student", "solution")):
        for turn in range(2 - seed):  # the solution was executed here already
            out = tmp_path / f"{edition} {turn}"
            command = [sys.executable, "-m", "hwlib", "homework", "--edition", edition]
            environment = os.environ | {"PYTHONHASHSEED": str(7 * turn + 1)}
            subprocess.run([*command, "--output", str(out)], check=True, env=environment)
    for problem in PROBLEMS:
        here = _editions.save(solved(problem), tmp_path / "here.ipynb").read_bytes()
        there = tmp_path / "solution 0" / _editions.file_name(problem, "solution")
        assert here == there.read_bytes()
        pair = [tmp_path / f"student {turn}" / f"{problem.name}.ipynb" for turn in range(2)]
        assert pair[0].read_bytes() == pair[1].read_bytes()


@BY_NAME
def test_the_instructor_edition_is_the_same_each_time(problem: Problem):
    assert _editions.instructor(problem) == _editions.instructor(problem)


def solution_lines(problem: Problem) -> set[str]:
    """Every line of a solution that says something."""
    source = (SOURCES / f"{problem.name}.md").read_text(encoding="utf-8")
    regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, re.DOTALL)
    written = re.findall(
        r'\+\+\+ \{"(?:written|rubric)".*?\n(.*?)(?=\n\+\+\+|\Z)', source, re.DOTALL
    )
    lines = {line.strip() for part in [*regions, *written] for line in part.splitlines()}
    assert regions
    assert written
    return {line for line in lines if len(line) > 3}


@BY_NAME
def test_no_solution_stands_in_the_student_edition(problem: Problem):
    student = _editions.student(problem)
    lines = {line.strip() for line in text_of(student).splitlines()}
    assert solution_lines(problem) & lines == set()
    assert "SOLUTION" not in text_of(student)
    assert "ubric" not in text_of(student)
    for check in problem.checks:
        assert not [m.name for m in check.mistakes if m.idea in text_of(student)]


@BY_NAME
def test_no_solution_is_a_part_of_a_line_of_the_student_edition(problem: Problem):
    text = text_of(_editions.student(problem))
    assert [line for line in solution_lines(problem) if len(line) > 12 and line in text] == []


@BY_NAME
def test_no_seed_and_no_output_stands_in_the_student_edition(problem: Problem):
    student = _editions.student(problem)
    assert not re.search(r"seed|default_rng\(\d|Generator\(", text_of(student))
    for cell in student.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@BY_NAME
@pytest.mark.parametrize("edition", ["student", "solution", "instructor"])
def test_an_edition_is_a_valid_notebook_with_unique_identifiers(problem: Problem, edition: str):
    notebook = getattr(_editions, edition)(problem)
    nbformat.validate(notebook)
    identifiers = [cell.id for cell in notebook.cells]
    assert len(set(identifiers)) == len(identifiers)
    assert notebook.metadata.kernelspec.name == "python3"
    source_keys = {"answer", "check", "written", "rubric"}
    assert not [cell for cell in notebook.cells if source_keys & set(cell.metadata)]


@BY_NAME
def test_the_cell_that_installs_hwlib_is_tagged_and_not_executed(problem: Problem):
    (cell,) = [c for c in handed_out(problem).cells if "%pip" in c.source]
    assert cell.metadata.tags == ["skip-execution"]
    assert cell.execution_count is None
    assert _editions.wheel_name() in cell.source


@BY_NAME
def test_holes_are_where_solutions_were(problem: Problem):
    student, instructor = _editions.student(problem), _editions.instructor(problem)
    text, full = text_of(student), text_of(instructor)
    assert text.count("raise NotImplementedError()\n") + text.endswith("()") == full.count(
        "### BEGIN SOLUTION"
    ) + text.count("`raise NotImplementedError()`\n")
    assert text.count("YOUR ANSWER HERE") == full.count("**Rubric** (no points)")


@BY_NAME
def test_the_instructor_edition_has_rubrics_and_the_feedback_to_every_mistake(problem: Problem):
    text = text_of(_editions.instructor(problem))
    assert "**Rubric** (no points)" in text
    for check in problem.checks:
        for mistake in check.mistakes:
            assert mistake.idea in text


@BY_NAME
def test_only_checks_have_points(problem: Problem):
    about = [cell.metadata.get("nbgrader", {}) for cell in _editions.instructor(problem).cells]
    points = {one["grade_id"]: one["points"] for one in about if one.get("points")}
    assert points == {f"check-{check.key}": check.points for check in problem.checks}


@BY_NAME
def test_the_solution_edition_has_neither_marks_nor_rubrics(problem: Problem):
    text = text_of(_editions.solution(problem))
    assert "NotImplementedError()\n" not in text
    assert "SOLUTION" not in text
    assert "ubric" not in text


def test_a_source_that_asks_for_an_unknown_check_is_refused():
    with pytest.raises(ValueError, match="'9z', which does not exist"):
        _editions._check("9z")


def test_in_a_notebook_an_endless_loop_is_stopped_and_the_notebook_goes_on():
    cells = [
        "from hwlib.homework import _answer\n_answer.SECONDS = 0.5",
        "def l1_loss(X, w, y):\n    display('a picture')\n    while True:\n        pass",
        'from hwlib.homework import check\n\ncheck("1a")',
        "def l1_loss(X, w, y):\n    return 1 / 0",
        'check("1a")',
        "import sys\nprint('here')\ndef l1_loss(X, w, y):\n    sys.exit()",
        'check("1a")',
        "7",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    executed = _editions.execute(notebook)
    outputs = [cell.outputs for cell in executed.cells]
    results = [
        out.data["text/plain"] for many in outputs for out in many if "execution_count" in out
    ]
    assert results == ["0.0", "0.0", "0.0", "7"]
    reports = [out.data["text/plain"] for many in outputs for out in many if "data" in out]
    assert "l1_loss did not end within 0.5 seconds. It was stopped." in reports[0]
    assert "ZeroDivisionError: division by zero (line 2 of the cell of l1_loss" in reports[2]
    assert "return 1 / 0)" in reports[2]
    assert "SystemExit" in reports[4]
    assert "a picture" not in str(outputs)
