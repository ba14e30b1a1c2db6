"""Chapters as notebooks to download: the text in plain Markdown, and the cells without outputs.

A page whose front matter has ``extras: plot, torch`` (what of hwlib its cells need, or ``none``)
is also written as ``notebooks/NAME.ipynb``, with a link in the line above its text. Outputs are
left out: Jupyter shows no picture of a notebook that it has not run itself, and they are most of
the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

from hwbook import homework
from hwbook.markdown import ONLY_ON_THE_SITE, Cell, Page, Writer
from hwlib.homework import _editions

logger = logging.getLogger(__name__)

FOLDER = "notebooks"
NOT_RUN = "skip-execution"  # nbclient's tag
AFTER_OPENING = 600
AFTER_OTHERS = 960


def setup(app: Sphinx) -> None:
    """Link each notebook when its page is read, and write it when the page is complete."""
    app.connect("doctree-read", _link, priority=AFTER_OPENING)
    app.connect("doctree-resolved", _write, priority=AFTER_OTHERS)


def file_name(docname: str) -> str:
    """What the notebook of a page is called."""
    return f"{Path(docname).name}.ipynb"


def requirement(extras: str) -> str:
    """What pip installs for a page with these extras, from the wheel beside the notebook."""
    wanted = "" if extras == "none" else f"[{extras.replace(' ', '')}]"
    return f"./{_editions.wheel_name()}{wanted}"


def make(page: Page, doctree: nodes.document, source: str, extras: str) -> nbformat.NotebookNode:
    """The notebook of a resolved page; ``source`` is its text, which holds the code."""
    code = read_myst_markdown_notebook(source, MdParserConfig()).cells
    cells = list(_cells(Writer(page), doctree, [cell.source for cell in code]))
    cells[1:1] = _install(extras)
    for number, cell in enumerate(cells):
        cell.id = f"{Path(page.docname).name}-{number:03}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _cells(writer: Writer, doctree: nodes.document, code: list[str]) -> Iterator[Any]:
    """A cell of text up to each heading or code cell; what is cited comes last."""
    text: list[str] = []
    for block in writer.blocks(doctree):
        if text and (isinstance(block, Cell) or block.startswith("#")):
            yield nbformat.v4.new_markdown_cell("\n\n".join(text))
            text = []
        if isinstance(block, Cell):
            yield _code_cell(block, code[block.index])
            text += [writer.caption(block.figure)] if block.figure else []
        else:
            text.append(block)
    if writer.cited:
        text.append("## References")
        text += [f"\\[{key}\\] {entry}" for key, entry in sorted(writer.cited.items())]
    if text:
        yield nbformat.v4.new_markdown_cell("\n\n".join(text))


def _code_cell(cell: Cell, source: str) -> Any:
    metadata = {"jupyter": {"source_hidden": True}} if cell.hidden else {}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def _install(extras: str) -> list[Any]:
    """A word on where hwlib comes from, and the cell that installs it."""
    wanted = " and ".join(f"`{extra}`" for extra in extras.split(", ") if extra != "none")
    about = (
        f"The next cell installs `hwlib`{f' with {wanted}' if wanted else ''}, all that this "
        f"chapter needs. The wheel `{_editions.wheel_name()}` is a download beside this notebook: "
        "put both into one folder. If `hwlib` is installed already, skip the cell."
    )
    install = nbformat.v4.new_code_cell(
        f'%pip install "{requirement(extras)}"', metadata={"tags": [NOT_RUN]}
    )
    return [nbformat.v4.new_markdown_cell(about), install]


def _link(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    if "extras" not in app.env.metadata[docname]:
        return
    up = "../" * docname.count("/")
    notebook = _download(f"{up}{FOLDER}/{file_name(docname)}", "this chapter as a notebook")
    wheel = _download(f"{up}{homework.FOLDER}/{_editions.wheel_name()}", "hwlib’s wheel")
    links = [nodes.Text(" · download "), notebook, nodes.Text(" and "), wheel]
    lines = (p for p in doctree.findall(nodes.paragraph) if "hw-facts" in p["classes"])
    facts = next(lines, None)
    if facts is None:
        message = "a page with extras begins with a paragraph in italics: the link goes below it"
        logger.warning(message, location=docname, type="hwbook")
        return
    facts += nodes.inline("", "", *links, classes=[ONLY_ON_THE_SITE])


def _download(address: str, text: str) -> nodes.Element:
    return addnodes.download_reference("", text, refuri=address)


def _write(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    extras = app.env.metadata[docname].get("extras")
    if extras is None or app.builder.format != "html":
        return
    source = Path(app.env.doc2path(docname)).read_text(encoding="utf-8")
    notebook = make(_page(app, docname), doctree, source, extras)
    path = Path(app.outdir, FOLDER, file_name(docname))
    path.parent.mkdir(exist_ok=True)
    _editions.save(notebook, path)


def _page(app: Sphinx, docname: str) -> Page:
    numbers = app.env.toc_fignumbers.get(docname, {})
    return Page(
        docname,
        {name: title.astext() for name, title in app.env.titles.items()},
        {
            identifier: ".".join(map(str, number))
            for kind in numbers.values()
            for identifier, number in kind.items()
        },
    )
