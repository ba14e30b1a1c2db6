"""Pages without what they do not use: rules that select nothing, and files that nothing names.

The theme and the extensions bring styles for all that they could show, and icons by the thousand.
Of a style sheet stays each rule whose classes all occur in a page or a script of this site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx

AFTER_OTHERS = 900
OWN_STYLE = Path(__file__).resolve().parents[2] / "_static"
_GROUPS = {"media", "supports", "layer", "container"}
_BUILT_BY_SCRIPTS = re.compile(r"bs-tooltip-\w+")
_ICON_FONT = "Font Awesome"
_ICON_FILES = "fontawesome"
_TABS = "design-tabs.js"  # the book has no tabs


def setup(app: Sphinx) -> None:
    """Make the site light once it is written."""
    app.connect("builder-inited", _drop_subsets)
    app.connect("html-page-context", _drop_tabs, priority=AFTER_OTHERS)
    app.connect("build-finished", _lighten, priority=AFTER_OTHERS)


def subset(sheet: str, classes: set[str]) -> str:
    """The rules of a style sheet that can select something where only these classes occur."""
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rules, classes))


def _kept(rules: list[Any], classes: set[str]) -> Iterator[str]:
    for rule in rules:
        body = "" if rule.content is None else tinycss2.serialize(rule.content).strip()
        if rule.type == "qualified-rule":
            alive = [part for part in _selectors(rule.prelude) if _classes(part) <= classes]
            if alive:
                selectors = ",".join(tinycss2.serialize(part).strip() for part in alive)
                yield f"{selectors}{{{body}}}\n"
        elif rule.lower_at_keyword in _GROUPS and rule.content is not None:
            inner = "".join(_kept(_nested(rule.content), classes))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{\n{inner}}}\n"
        elif _ICON_FONT not in body:
            yield rule.serialize() + "\n"


def _nested(content: list[Any]) -> list[Any]:
    return tinycss2.parse_rule_list(content, skip_comments=True, skip_whitespace=True)


def _selectors(prelude: list[Any]) -> list[list[Any]]:
    """The selectors between the commas; those inside ``:is(…)`` belong to one token."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _classes(selector: list[Any]) -> set[str]:
    """The classes that an element must have, but for those that scripts put together."""
    names = {name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"}
    return {name for name in names if not _BUILT_BY_SCRIPTS.fullmatch(name)}


def _drop_tabs(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    scripts = context.get("script_files", [])
    context["script_files"] = [
        script for script in scripts if not (getattr(script, "filename", "") or "").endswith(_TABS)
    ]


def _drop_subsets(app: Sphinx) -> None:
    """Remove the sheets of the last build: Sphinx reports each file that it copies over another."""
    for sheet in _foreign_sheets(Path(app.outdir) / "_static"):
        sheet.unlink()


def _lighten(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    pages = [path for path in Path(app.outdir).rglob("*.html") if "_static" not in path.parts]
    static = Path(app.outdir) / "_static"
    _drop_unnamed(static, pages)
    classes = _possible_classes(static, pages)
    for sheet in _foreign_sheets(static):
        sheet.write_text(subset(sheet.read_text(encoding="utf-8"), classes), encoding="utf-8")


def _foreign_sheets(static: Path) -> list[Path]:
    sheets = static.rglob("*.css")
    return [sheet for sheet in sheets if not (OWN_STYLE / sheet.relative_to(static)).exists()]


def _drop_unnamed(static: Path, pages: list[Path]) -> None:
    """Remove each file that no page, script or style sheet names; licences stay."""
    texts = [*pages, *static.rglob("*.css"), *_scripts(static)]
    named = "".join(path.read_text(encoding="utf-8") for path in texts)
    for path in list(static.rglob("*")):
        unnamed = path.name not in named and "LICENSE" not in path.name
        if path.is_file() and (unnamed or path.suffix == ".map" or _ICON_FILES in path.as_posix()):
            path.unlink()
    for folder in sorted(static.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _possible_classes(static: Path, pages: list[Path]) -> set[str]:
    """The classes in the pages, and each word of the scripts."""
    found: set[str] = set()
    for path in pages:
        for value in re.findall(r'class="([^"]*)"', path.read_text(encoding="utf-8")):
            found.update(value.split())
    for path in _scripts(static):
        found.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    return found


def _scripts(static: Path) -> list[Path]:
    """All scripts but MathJax, which brings its own styles and names no file."""
    return [path for path in static.rglob("*.js") if "mathjax" not in path.as_posix()]
