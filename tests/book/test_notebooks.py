"""The chapters as notebooks: nothing in them that Jupyter cannot show, and all of them run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from docutils import nodes
from hwbook import homework
from hwbook.markdown import Cell, Page, Writer
from hwbook.notebooks import FOLDER, NOT_RUN, requirement
from packaging.requirements import Requirement
from tests.book import alone
from tests.book.test_chapters import cells

from hwlib.homework import _editions

BOOK = Path(__file__).resolve().parents[2] / "book"
EXTRAS = re.compile(r"\A---\n(?:(?!---).*\n)*?extras: (.+)\n")
OPENING = re.compile(r"^\*Problem \d", re.M)
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(BOOK.glob("*.md"))}
CHAPTERS = {name: match[1] for name, text in SOURCES.items() if (match := EXTRAS.match(text))}
LIMIT = 100_000  # bytes
SLOW = ("fashion-mnist", "fashion-mnist-recipes")  # each trains for minutes
MYST = re.compile(
    r"""\{[a-z][\w:+-]*\}`      # a role
      | ^\s*(?:```|~~~|:::)\s*\{ # a directive
      | ^\s*:[a-z-]+:\s          # an option of one
      | ^\([\w-]+\)=             # a label
      | ^\+\+\+ | ^% | \{\{      # a break, a comment, a substitution
      | \]\([^)]*\.(?:md|html)[)\#] | \]\((?!https?:)  # a link into the site
      | \\label\{                # a label of a formula
    """,
    re.X | re.M,
)
EQUATION = re.compile(r'class="eqno">\((\d+)\)')
DOWNLOAD = re.compile(r'class="reference download[^"]*"[^>]*href="([^"]+)"')


@pytest.fixture(params=CHAPTERS)
def chapter(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def notebook(chapter: str, site: Path) -> Any:
    return nbformat.read(site / FOLDER / f"{chapter}.ipynb", as_version=4)


def texts(notebook: Any) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_each_chapter_has_a_notebook() -> None:
    assert set(CHAPTERS) == {name for name, text in SOURCES.items() if OPENING.search(text)}


@pytest.mark.site
def test_the_page_links_to_the_notebook_and_the_wheel(chapter: str, site: Path) -> None:
    text = (site / "book" / f"{chapter}.html").read_text(encoding="utf-8")
    found = [(site / "book" / address).resolve() for address in DOWNLOAD.findall(text)]
    assert [path.name for path in found] == [f"{chapter}.ipynb", _editions.wheel_name()]
    assert all(path.is_file() for path in found)


@pytest.mark.site
def test_it_is_a_valid_notebook_without_outputs(notebook: Any, chapter: str, site: Path) -> None:
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert (site / FOLDER / f"{chapter}.ipynb").stat().st_size < LIMIT


@pytest.mark.site
def test_the_first_cell_with_code_installs_what_the_chapter_needs(
    notebook: Any, chapter: str
) -> None:
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source == f'%pip install "{requirement(CHAPTERS[chapter])}"'
    assert first.metadata.tags == [NOT_RUN]


@pytest.mark.site
def test_its_code_is_the_chapter_s(notebook: Any, chapter: str) -> None:
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code[1:] == [code.strip() for _, code in cells(SOURCES[chapter])]


@pytest.mark.site
def test_no_syntax_is_left_that_only_sphinx_knows(notebook: Any) -> None:
    assert [match[0] for match in MYST.finditer(texts(notebook))] == []


@pytest.mark.site
def test_each_number_of_a_formula_is_the_page_s(notebook: Any, chapter: str, site: Path) -> None:
    text = (site / "book" / f"{chapter}.html").read_text(encoding="utf-8")
    assert re.findall(r"\\tag\{(\d+)\}", texts(notebook)) == EQUATION.findall(text)


@pytest.mark.site
def test_each_figure_has_its_caption_and_description(notebook: Any, chapter: str) -> None:
    drawn = len(re.findall(r"^figures\.(?:show|live)\(", SOURCES[chapter], re.M))
    assert len(re.findall(r"^\*\*Fig\. \d+\*\* \S", texts(notebook), re.M)) == drawn
    assert texts(notebook).count("*What there is to see:* ") == drawn


@pytest.mark.site
def test_each_work_that_is_cited_is_listed(notebook: Any) -> None:
    text, _, listed = texts(notebook).partition("## References\n")
    cited = re.findall(r"\\\[(\w+(?:, \w+)*)\\\]", text)
    assert set(", ".join(cited).split(", ")) - {""} == set(
        re.findall(r"^\\\[(\w+)\\\] \S", listed, re.M)
    )


@pytest.mark.parametrize(
    "left",
    [
        "see {eq}`eq-one`",
        "```{note}\nx\n```",
        ":::{note}",
        ":label: eq-one",
        "(a-label)=",
        "{cite:p}`x`",
        "[next](lad.md)",
        "[next](../book/lad.html)",
        "[a label](erratum)",
        "% a comment",
        "+++",
    ],
)
def test_syntax_that_is_left_would_be_found(left: str) -> None:
    assert MYST.search(f"text\n{left}\n") is not None


@pytest.fixture(scope="session")
def environments(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, alone.Environment]:
    """One environment for each set of extras that some chapter names."""
    wheel = site / homework.FOLDER / _editions.wheel_name()
    return {
        extras: alone.make(
            tmp_path_factory.mktemp("alone"), wheel, Requirement(f"x{brackets(extras)}").extras
        )
        for extras in set(CHAPTERS.values())
    }


def brackets(extras: str) -> str:
    return "" if extras == "none" else f"[{extras}]"


def its_turn(commit: str) -> str:
    """Which of the slow notebooks a commit executes."""
    return SLOW[int(commit, 16) % len(SLOW)]


def current_commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=BOOK, capture_output=True, check=False)
    return done.stdout.decode().strip() or "0"


@pytest.mark.notebooks
def test_it_runs_with_the_wheel_and_what_it_names(
    chapter: str, notebook: Any, site: Path, environments: dict, tmp_path: Path
) -> None:
    every = os.environ.get("HWLIB_ALL_NOTEBOOKS")
    if chapter in SLOW and not every and chapter != its_turn(current_commit()):
        pytest.skip("slow, and not the turn of this commit; make notebooks ALL=1 executes all")
    environment = environments[CHAPTERS[chapter]]
    copy = tmp_path / f"{chapter}.ipynb"
    nbformat.write(notebook, copy)
    command = [str(Path(sys.executable).with_name("jupyter-execute")), "--inplace"]
    options = [f"--kernel_name={alone.KERNEL}", "--timeout=600", str(copy)]
    done = subprocess.run(
        [*command, *options], env=surroundings(environment), cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    executed = nbformat.read(copy, as_version=4)
    ledger = json.loads((site / "claims.json").read_text(encoding="utf-8"))
    assert shown(executed) == {c["name"] for c in ledger if c["page"] == f"book/{chapter}"}


def surroundings(environment: alone.Environment) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "JUPYTER_PATH": str(environment.jupyter_path)}


def shown(notebook: Any) -> set[str]:
    """The claims in a notebook's outputs."""
    markup = "".join(
        output.data.get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    )
    return set(re.findall(r'id="claim-([^"]+)"', markup))


@pytest.mark.notebooks
def test_an_environment_holds_nothing_else(environments: dict) -> None:
    for extras, environment in environments.items():
        here = _importable(environment, "hwlib", "numpy", "sklearn", "ipykernel")
        assert here == ["hwlib", "numpy", "sklearn", "ipykernel"]
        others = {"torch": "torch", "cvxpy": "cvxpy", "matplotlib": "plot", "sphinx": "", "pip": ""}
        found = _importable(environment, *others)
        assert found == [name for name, extra in others.items() if extra and extra in extras]


def _importable(environment: alone.Environment, *modules: str) -> list[str]:
    code = (
        "import importlib.util, sys; import hwlib; "
        "assert hwlib.__file__.startswith(sys.prefix), hwlib.__file__; "
        "print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    )
    command = [str(environment.python), "-c", code, *modules]
    done = subprocess.run(command, env=surroundings(environment), capture_output=True, check=True)
    return done.stdout.decode().split()


def test_the_turn_goes_round() -> None:
    assert {its_turn(f"{commit:040x}") for commit in range(2)} == set(SLOW)
    assert set(SLOW) <= CHAPTERS.keys()


def writer() -> Writer:
    titles = {"book/a": "This page", "book/b": "The other page"}
    return Writer(Page("book/a", titles, {"equation-e": "7", "thm": "3"}))


def test_special_characters_stay_what_they_are() -> None:
    paragraph = nodes.paragraph("", "", nodes.Text("2 * 3 * 4 < x_1 [a] $5 `b`"))
    assert list(writer().blocks(paragraph)) == [r"2 \* 3 \* 4 \< x\_1 \[a\] \$5 \`b\`"]
    assert list(writer().blocks(nodes.paragraph("", "1. no list"))) == [r"\1. no list"]


def test_a_reference_to_another_page_names_it_and_one_to_elsewhere_is_a_link() -> None:
    inside = nodes.reference("", "", nodes.Text("before"), internal=True, refuri="b.html#x")
    same = nodes.reference("", "", nodes.Text("(7)"), internal=True, refuri="#equation-e")
    outside = nodes.reference("", "", nodes.Text("there"), refuri="https://example.org/")
    paragraph = nodes.paragraph("", "", inside, nodes.Text(", "), same, nodes.Text(", "), outside)
    assert list(writer().blocks(paragraph)) == [
        "before (*The other page*), (7), [there](https://example.org/)"
    ]


def test_a_formula_keeps_its_number() -> None:
    block = nodes.math_block("", "a = b\n\\\\ c", label="e", ids=["equation-e"])
    assert list(writer().blocks(block)) == [
        "$$\n\\begin{split}\na = b\n\\\\ c\n\\end{split}\n\\tag{7}\n$$"
    ]


def test_bars_in_a_table_do_not_end_a_cell() -> None:
    entry = nodes.entry("", nodes.paragraph("", "", nodes.math("", r"\|x\| |y|"), nodes.Text("|")))
    table = nodes.table("", nodes.tgroup("", nodes.tbody("", nodes.row("", entry)), cols=1))
    assert list(writer().blocks(table)) == ["| $\\Vert x\\Vert  \\vert y\\vert $\\| |\n| --- |"]


def test_a_box_has_its_title_in_bold() -> None:
    text = nodes.paragraph("", "Text.")
    assert list(writer().blocks(nodes.note("", text.deepcopy()))) == ["**Note**", "Text."]
    titled = nodes.admonition("", nodes.title("", "Mind"), text.deepcopy())
    assert list(writer().blocks(titled)) == ["**Mind**", "Text."]


def test_lists_are_lists() -> None:
    items = [nodes.list_item("", nodes.paragraph("", word)) for word in ("a", "b")]
    assert list(writer().blocks(nodes.bullet_list("", *items))) == ["- a\n- b"]
    items = [item.deepcopy() for item in items]
    assert list(writer().blocks(nodes.enumerated_list("", *items, start=3))) == ["3. a\n4. b"]
    meaning = nodes.definition("", nodes.paragraph("", "is so"))
    item = nodes.definition_list_item("", nodes.term("", "it"), meaning)
    assert list(writer().blocks(nodes.definition_list("", item))) == ["**it**: is so"]


def test_a_cell_keeps_its_place_and_says_whether_it_is_hidden() -> None:
    metadata = {"tags": ["hide-input"]}
    cell = nodes.container(nb_element="cell_code", cell_index=4, cell_metadata=metadata)
    assert list(writer().blocks(cell)) == [Cell(4, hidden=True, figure=None)]


def test_what_cannot_be_written_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert list(writer().blocks(nodes.image(uri="x.png"))) == []
    assert writer().inline(nodes.paragraph("", "", nodes.raw("", "<b>", format="html"))) == ""
    assert "cannot show this image" in caplog.text
