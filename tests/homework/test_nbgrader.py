"""The whole way through nbgrader itself: hand out, collect, grade, give back, export."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwlib._cli import main
from hwlib.homework import _editions
from hwlib.homework._problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HWLIB_GRADING") or ROOT / ".venv-grading" / "bin")
REMEDY = f"no nbgrader in {BIN}: make grading makes the environment"
NAMES = [problem.name for problem in PROBLEMS]

pytestmark = pytest.mark.grading


def cell(notebook: Any, identifier: str) -> Any:
    return next(cell for cell in notebook["cells"] if cell["id"] == identifier)


def with_code(identifier: str, code: str) -> Callable[[Any], None]:
    return lambda notebook: cell(notebook, identifier).update(source=code)


def without(*identifiers: str) -> Callable[[Any], None]:
    def delete(notebook: Any) -> None:
        for identifier in identifiers:
            notebook["cells"].remove(cell(notebook, identifier))

    return delete


# Students in the order in which nbgrader takes them; what they do to the solution of one problem,
# and what is left of its points.
EDITED = [
    ("check-deleted", "lad", without("lad-check-1a"), 1.0),
    ("exit-in-cell", "lad", with_code("lad-l1-loss", "import sys\nsys.exit()"), 1.0),
    ("exit-in-answer", "lad", with_code("lad-l1-loss", "def l1_loss(X, w, y):\n    exit()"), 1.0),
    ("kernel-ended", "lad", with_code("lad-l1-loss", "exit()"), 1.0),
    ("both-deleted", "lad", without("lad-l1-loss", "lad-check-1a"), 1.0),
    ("renamed", "lad", with_code("lad-l1-loss", "def my_loss(X, w, y):\n    return 0"), 1.0),
    ("check-changed", "lad", with_code("lad-check-1a", "1.0"), 2.0),
    ("syntax-error", "lad", with_code("lad-l1-loss", "def l1_loss(X, w, y:"), 1.0),
    (
        "only-diagonal",
        "softmax",
        with_code(
            "softmax-jacobian",
            "def jacobian(z):\n    y = softmax(z)\n    return np.diag(y * (1 - y))",
        ),
        2.5,
    ),
]
BROKEN = "broken-json"


def hand_in(course: Path, student: str, name: str, text: str) -> None:
    folder = course / "submitted" / student / name
    folder.mkdir(parents=True)
    (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")


def hand_in_all(course: Path) -> None:
    for problem in PROBLEMS:
        blank, perfect = _editions.student(problem), _editions.solution(problem)
        hand_in(course, "a-blank", problem.name, json.dumps(blank))
        hand_in(course, "z-perfect", problem.name, json.dumps(perfect))
        for student, name, edit, _ in EDITED:
            if name == problem.name:
                notebook = json.loads(json.dumps(perfect))
                edit(notebook)
                hand_in(course, student, name, json.dumps(notebook))
    hand_in(course, BROKEN, "lad", '{"cells": [')
    hand_in(course, BROKEN, "boxes", json.dumps(_editions.solution(PROBLEMS[1])))


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not (BIN / "nbgrader").exists():
        pytest.fail(REMEDY) if os.environ.get("CI") == "true" else pytest.skip(REMEDY)
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(BIN / "nbgrader"), *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that has gone all the way."""
    course = tmp_path_factory.mktemp("grading") / "course"
    assert main(["homework", "--course", str(course)]) == 0
    hand_in_all(course)
    for name in NAMES:
        steps = ["generate_assignment", "autograde"]
        for step in [*steps, *["generate_feedback"] * (name in ("lad", "softmax"))]:
            done = nbgrader(course, step, name)
            fails = step == "autograde" and name == "lad"  # it says which submissions it could not
            assert done.returncode == int(fails), done.stderr[-3000:]
            if fails:
                assert f"processing assignment 'lad' for student '{BROKEN}'" in done.stderr
                assert done.stderr.count("There was an error processing assignment 'lad'") == 1
    assert nbgrader(course, "export").returncode == 0
    return course


@pytest.fixture(scope="module")
def table(course: Path) -> dict[tuple[str, str], float]:
    """The exported points by student and problem."""
    with (course / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["student_id"], row["assignment"]): float(row["score"]) for row in rows}


def test_what_is_handed_out_is_the_student_edition(course: Path) -> None:
    for problem in PROBLEMS:
        path = course / "release" / problem.name / f"{problem.name}.ipynb"
        released = json.loads(path.read_text(encoding="utf-8"))
        ours = json.loads(json.dumps(_editions.student(problem)))
        for handed_out, expected in zip(released["cells"], ours["cells"], strict=True):
            assert "".join(handed_out["source"]) == expected["source"]
            assert handed_out["id"] == expected["id"]
            about = handed_out["metadata"].get("nbgrader", {})
            for added in ("checksum", "cell_type"):
                about.pop(added, None)
            assert about == expected["metadata"].get("nbgrader", {})


def test_as_handed_out_it_scores_nothing(table: dict[tuple[str, str], float]) -> None:
    assert [table["a-blank", name] for name in NAMES] == [0, 0, 0, 0, 0]


def test_the_solution_scores_everything(table: dict[tuple[str, str], float]) -> None:
    assert [table["z-perfect", name] for name in NAMES] == [2, 3, 3, 3, 4]


@pytest.mark.parametrize(("student", "name", "_", "points"), EDITED, ids=lambda value: str(value))
def test_a_bad_submission_is_graded_for_what_is_there(
    table: dict[tuple[str, str], float], student: str, name: str, _: Any, points: float
) -> None:
    assert table[student, name] == points


def test_broken_json_costs_one_problem_only(table: dict[tuple[str, str], float]) -> None:
    assert table[BROKEN, "lad"] == 0
    assert table[BROKEN, "boxes"] == 3


def test_all_points_are_on_autograded_cells(course: Path) -> None:
    points = 0
    for name in NAMES:
        path = course / "source" / name / f"{name}.ipynb"
        for one in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            about = one["metadata"].get("nbgrader", {})
            points += about.get("points", 0)
            assert not about.get("points") or not about["solution"]
    assert points == 15


def test_feedback_holds_the_report(course: Path) -> None:
    page = course / "feedback" / "only-diagonal" / "softmax" / "softmax.html"
    assert "entries off the diagonal are missing" in page.read_text(encoding="utf-8")
