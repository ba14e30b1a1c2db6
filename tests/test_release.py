"""What a release says of itself: one version, a changelog, a citation, the licences."""

from __future__ import annotations

import datetime
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import hwlib
from hwlib.homework import _editions

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LICENCES = {
    "book/_static/vendor/mathjax-3.2.2": ("Apache-2.0", "Apache License"),
    "book/_templates": ("BSD-3-Clause", "BSD 3-Clause"),
    "tests/book/vendor/axe-core-4.14.1": ("MPL-2.0", "Mozilla Public License"),
}
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
VERSION = r"\d+\.\d+\.\d+"


def test_the_version_is_written_once() -> None:
    assert re.fullmatch(VERSION, hwlib.__version__)
    assert "version" in PROJECT["dynamic"]
    assert importlib.metadata.version("hwlib") == hwlib.__version__


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda path: path.stem)
def test_pages_name_the_wheel_that_is_beside_them(page: Path) -> None:
    named = re.findall(r"hwlib-[\w.]+-py3-none-any\.whl", page.read_text(encoding="utf-8"))
    assert set(named) <= {_editions.wheel_name()}


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n")
    headings = re.findall(r"^## (.*)", text, re.M)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(rf"\[({VERSION})\] - (\S+)", heading) for heading in headings[1:]]
    assert None not in released
    versions = [tuple(map(int, match[1].split("."))) for match in released if match]
    assert versions == sorted(versions, reverse=True)
    assert all(datetime.date.fromisoformat(match[2]) for match in released if match)
    assert not versions or ".".join(map(str, versions[0])) == hwlib.__version__
    for section in re.split(r"^## .*\n", text, flags=re.M)[1:]:
        kinds = re.findall(r"^### (.*)", section, re.M)
        assert kinds == [kind for kind in KINDS if kind in kinds]
        assert re.fullmatch(r"(?:\s|### .*|- .*\.$)*", section, re.M)


def test_the_citation_is_one() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited.keys() >= {"cff-version", "message", "title", "authors"}
    assert cited["cff-version"] == "1.2.0"
    assert cited["license"] == PROJECT["license"]
    assert cited["authors"] == PROJECT["authors"]
    assert cited["keywords"] == PROJECT["keywords"]


def test_each_vendored_file_has_its_licence_beside_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for place in ("book", "tests", "src", "benchmarks")
        for path in (ROOT / place).rglob("vendor/**/*")
        if path.is_file()
    }
    assert folders | {"book/_templates"} == LICENCES.keys()
    for folder, (licence, title) in LICENCES.items():
        assert title in (ROOT / folder / "LICENSE").read_text(encoding="utf-8")[:200]
        assert f"({folder}/LICENSE) ({licence})" in readme
