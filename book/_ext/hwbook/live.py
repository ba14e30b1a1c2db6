"""Live figures: each page loads the scripts of its own, and what is heavy lies beside the pages.

A cell's output says by ``data-figure`` which script of ``_static/live`` answers there. The bytes
that a figure loads on request become a script, too, since a page that is opened from a folder may
load nothing else.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from hwbook import outputs
from hwlib._live import MIME

logger = logging.getLogger(__name__)

FOLDER = "live"
SCRIPTS = Path(__file__).resolve().parents[2] / "_static" / "live"
BEFORE_OTHERS = 400
_FORMAT = "hw-part"
_GIVEN = re.compile(r'class="hw-live-given" data-figure="([^"]*)"')


def setup(app: Sphinx) -> None:
    """Register the passes over the pages."""
    outputs.keep(MIME, _FORMAT)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", _take_out, priority=BEFORE_OTHERS)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _write)


def _parts(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """What is heavy, by page and by the name of its figure."""
    if not hasattr(env, "hwbook_parts"):
        env.hwbook_parts = {}  # type: ignore[attr-defined]
    return env.hwbook_parts  # type: ignore[attr-defined, no-any-return]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _parts(env).pop(docname, None)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    _parts(env).update({doc: found for doc, found in _parts(other).items() if doc in docnames})


def _take_out(app: Sphinx, doctree: nodes.document) -> None:
    given = [json.loads(raw.astext()) for raw in outputs.kept(doctree, _FORMAT)]
    outputs.drop(doctree, _FORMAT)
    if given:
        _parts(app.env)[app.env.docname] = {part["name"]: part["base64"] for part in given}


def _load(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    names = _GIVEN.findall(context.get("body", ""))
    if not names:
        return
    app.add_css_file(f"{FOLDER}/live.css")
    for name in dict.fromkeys(["live", *names]):
        if not (SCRIPTS / f"{name}.js").is_file():
            message = f"no script answers for the live figure {name!r}"
            logger.warning(message, location=pagename, type="hwbook")
        app.add_js_file(f"{FOLDER}/{name}.js", loading_method="defer")


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    parts = {name: text for found in _parts(app.env).values() for name, text in found.items()}
    for name, text in parts.items():
        folder.mkdir(exist_ok=True)
        call = f"hwLive.arrive({json.dumps(name)}, {json.dumps(text)});\n"
        (folder / f"{name}.js").write_text(call, encoding="utf-8")
