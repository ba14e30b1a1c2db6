"""The homework on the site: every link leads to a file, and every file is the same each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hwbook.homework import ARCHIVE, FOLDER, archive, build_wheel

from hwlib.homework import _editions
from hwlib.homework._problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[2]

LINK = re.compile(r'<a href="([^"]+)" download>')
NOTEBOOKS = [
    _editions.file_name(problem, edition) for problem in PROBLEMS for edition in _editions.EDITIONS
]


def links(site: Path, page: str) -> list[Path]:
    text = (site / "book" / f"{page}.html").read_text(encoding="utf-8")
    return [(site / "book" / address).resolve() for address in LINK.findall(text)]


@pytest.mark.site
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_each_chapter_offers_its_notebooks_the_wheel_and_the_archive(site: Path, problem) -> None:
    names = [_editions.file_name(problem, edition) for edition in _editions.EDITIONS]
    found = links(site, problem.name)
    assert [path.name for path in found] == [*names, _editions.wheel_name(), ARCHIVE]
    assert all(path.is_file() for path in found)


@pytest.mark.site
@pytest.mark.parametrize("page", ["boxes-curse", "backprop-training", "homework"])
def test_other_pages_offer_them_as_well(site: Path, page: str) -> None:
    found = links(site, page)
    assert len(found) == (17 if page == "homework" else 5)
    assert all(path.is_file() for path in found)


@pytest.mark.site
def test_the_archive_holds_all_of_it(site: Path) -> None:
    with zipfile.ZipFile(site / FOLDER / ARCHIVE) as archived:
        names = [f"{FOLDER}/{name}" for name in sorted([*NOTEBOOKS, _editions.wheel_name()])]
        assert archived.namelist() == names
        for name in names:
            assert archived.read(name) == (site / name).read_bytes()


@pytest.mark.site
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_executed_notebooks_on_the_site_score_everything(site: Path, problem) -> None:
    for edition in ("solution", "instructor"):
        path = site / FOLDER / _editions.file_name(problem, edition)
        notebook = json.loads(path.read_text(encoding="utf-8"))
        results = [
            output["data"]["text/plain"]
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
            if output["output_type"] == "execute_result" and "check(" in "".join(cell["source"])
        ]
        assert sum(float("".join(result)) for result in results) == problem.points


@pytest.mark.site
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_student_edition_on_the_site_is_the_one_of_the_command(
    site: Path, tmp_path: Path, problem
) -> None:
    name = _editions.file_name(problem, "student")
    here = _editions.save(_editions.student(problem), tmp_path / name)
    assert (site / FOLDER / name).read_bytes() == here.read_bytes()


def test_the_wheel_is_the_same_each_time_and_works_alone(tmp_path: Path) -> None:
    wheels = [build_wheel(ROOT, tmp_path / str(turn)) for turn in range(2)]
    assert wheels[0].name == _editions.wheel_name()
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    target = tmp_path / "installed"
    options = ["--no-deps", "--no-index", "--quiet", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheels[0])], check=True)
    out = tmp_path / "notebooks"
    command = [sys.executable, "-m", "hwlib", "homework", "--edition", "student", "--output"]
    environment = os.environ | {"PYTHONPATH": str(target)}
    subprocess.run([*command, str(out)], check=True, env=environment, cwd=tmp_path)
    for problem in PROBLEMS:
        ours = _editions.save(_editions.student(problem), tmp_path / "ours.ipynb").read_bytes()
        assert (out / f"{problem.name}.ipynb").read_bytes() == ours


def test_an_archive_does_not_depend_on_the_times_of_its_files(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    made = []
    for time in (1_000_000_000, 1_700_000_000):
        file.write_text("the same")
        os.utime(file, (time, time))
        archive([file], tmp_path / "a.zip")
        made.append((tmp_path / "a.zip").read_bytes())
    assert made[0] == made[1]
