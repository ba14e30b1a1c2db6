"""The homework's notebooks as downloads: one by one, all in one archive, and hwlib's wheel.

``{homework} lad`` lists the notebooks of one problem; without a name, those of all.
``{homework-checks}`` makes a table of all checks. The files are made after the pages. Executed
notebooks are kept in the execution cache, whose name changes with all that they depend on.
"""

from __future__ import annotations

import html
import shutil
import zipfile
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from hwlib.homework import _editions
from hwlib.homework._problems import PROBLEMS, Problem

FOLDER = "homework"
ARCHIVE = "homework.zip"
_LABELS: dict[_editions.Edition, str] = {
    "student": "with holes, to work on",
    "solution": "filled in and executed",
    "instructor": "with rubrics and the feedback to common mistakes, as a source for nbgrader",
}


class HomeworkDirective(SphinxDirective):
    """Links to the notebooks of a problem, or of all."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the list of links, and remember that the files are wanted."""
        chosen = [p for p in PROBLEMS if self.arguments in ([], [p.name])]
        if not chosen:
            raise self.error(f"there is no problem called {self.arguments[0]!r}")
        _wanting(self.env).add(self.env.docname)
        up = "../" * self.env.docname.count("/")
        return [nodes.raw("", _listed(chosen, f"{up}{FOLDER}/"), format="html")]


class ChecksDirective(SphinxDirective):
    """A table of all checks: what each is called, what it asks for, and its points."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        return [nodes.raw("", _checks_table(), format="html")]


def setup(app: Sphinx) -> None:
    """Register the directives, and make the files once the pages are written."""
    app.add_directive("homework", HomeworkDirective)
    app.add_directive("homework-checks", ChecksDirective)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("build-finished", _make)


def _listed(problems: list[Problem], address: str) -> str:
    """The links to the notebooks, and to what belongs to all of them."""
    files = _overview(problems, address) if len(problems) > 1 else _one(problems[0], address)
    wheel = _link(address + _editions.wheel_name(), _editions.wheel_name())
    archive = _link(address + ARCHIVE, ARCHIVE)
    return (
        f'<div class="hw-downloads">{files}<p>The notebooks install hwlib from {wheel}, '
        f"which belongs beside them; {archive} holds it and all notebooks of the homework.</p>"
        "</div>"
    )


def _one(problem: Problem, address: str) -> str:
    names = {edition: _editions.file_name(problem, edition) for edition in _editions.EDITIONS}
    items = "".join(
        f"<li>{_link(address + name, name)}, {_LABELS[edition]}</li>"
        for edition, name in names.items()
    )
    return f"<p>Problem {problem.number} as a notebook:</p><ul>{items}</ul>"


def _overview(problems: list[Problem], address: str) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in ("Problem", "Points", "Notebook"))
    rows = "".join(
        f'<tr><th scope="row">{problem.number}. {html.escape(problem.title)}</th>'
        f"<td>{problem.points}</td><td>{_editions_of(problem, address)}</td></tr>"
        for problem in problems
    )
    meanings = "; ".join(f"<em>{edition}</em>: {label}" for edition, label in _LABELS.items())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{meanings}.</p>"


def _editions_of(problem: Problem, address: str) -> str:
    return ", ".join(
        _link(address + _editions.file_name(problem, edition), edition)
        for edition in _editions.EDITIONS
    )


def _checks_table() -> str:
    head = "".join(
        f'<th scope="col">{column}</th>' for column in ("Check", "What it looks at", "Points")
    )
    rows = "".join(
        f'<tr><th scope="row">{check.key} <code>{check.function}</code></th>'
        f"<td>{'<br>'.join(html.escape(part.title) for part in check.parts)}</td>"
        f"<td>{check.points:g}</td></tr>"
        for problem in PROBLEMS
        for check in problem.checks
    )
    return (
        f'<div class="hw-checks"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}" download>{html.escape(text)}</a>'


def _wanting(env: BuildEnvironment) -> set[str]:
    """The pages that offer notebooks."""
    if not hasattr(env, "hwbook_homework"):
        env.hwbook_homework = set()  # type: ignore[attr-defined]
    return env.hwbook_homework  # type: ignore[attr-defined, no-any-return]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _wanting(env).discard(docname)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    _wanting(env).update(_wanting(other) & set(docnames))


def _make(app: Sphinx, exception: Exception | None) -> None:
    """Write all files.

    Raises:
        ExtensionError: A notebook of the solution does not get all points.
    """
    if exception is not None or app.builder.format != "html" or not _wanting(app.env):
        return
    kept = Path(app.config.nb_execution_cache_path) / FOLDER
    if not kept.is_dir():
        _write_notebooks(kept.with_name(f"{FOLDER}.part"))
        kept.with_name(f"{FOLDER}.part").rename(kept)
    target = Path(app.outdir, FOLDER)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(kept, target)
    build_wheel(Path(app.srcdir), target)
    archive(sorted(target.iterdir()), target / ARCHIVE)


def _write_notebooks(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for problem in PROBLEMS:
        for edition, notebook in _editions.make(problem, *_editions.EDITIONS).items():
            if edition == "solution" and _points(notebook) != problem.points:
                raise ExtensionError(
                    f"the solution of problem {problem.number} gets {_points(notebook):g} of "
                    f"{problem.points} points"
                )
            _editions.save(notebook, folder / _editions.file_name(problem, edition))


def _points(notebook: Any) -> float:
    """What the checks of an executed notebook returned."""
    results = [
        output.data["text/plain"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("points")
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    return sum(map(float, results))


def build_wheel(root: Path, folder: Path) -> Path:
    """Build hwlib's wheel: the same bytes from the same sources, and no network."""
    from hatchling.builders.wheel import WheelBuilder

    return Path(next(WheelBuilder(str(root)).build(directory=str(folder), versions=["standard"])))


def archive(files: list[Path], path: Path) -> None:
    """Put files into an archive, without their times."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archived:
        for file in files:
            entry = zipfile.ZipInfo(f"{FOLDER}/{file.name}")
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archived.writestr(entry, file.read_bytes())
