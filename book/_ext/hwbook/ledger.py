"""The ledger: every claim of the build, gathered from the cells' outputs.

Roles and directives:

- ``{recorded}`name``` puts a recorded or published value into a sentence;
- ``{claims}`total``` (or a kind, ``held``, ``not-checked``) puts a count;
- ``{ledger}`` makes the table.

The build also writes ``claims.json`` beside the pages, for programs.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from hwlib.claims import Claim

logger = logging.getLogger(__name__)

DATA = "claims.json"
KINDS = ("exact", "rounding", "statistical", "observed")


class pending_record(nodes.Inline, nodes.Element):  # noqa: N801 - docutils names nodes this way
    """A place where a recorded value goes."""


class pending_count(nodes.Inline, nodes.Element):  # noqa: N801
    """A place where a count of claims goes."""


class pending_ledger(nodes.General, nodes.Element):  # noqa: N801
    """The place where the ledger goes."""


class RecordedRole(SphinxRole):
    """``{recorded}`name```: the value recorded under this name."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a place to fill once every page has been read."""
        node = pending_record(name=self.text)
        self.set_source_info(node)
        return [node], []


class CountRole(SphinxRole):
    """``{claims}`total```: how many claims there are of this sort."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a place to fill once every page has been read."""
        node = pending_count(of=self.text)
        self.set_source_info(node)
        return [node], []


class LedgerDirective(SphinxDirective):
    """The table of all claims, page by page."""

    def run(self) -> list[nodes.Node]:
        """Leave a place to fill once every page has been read."""
        return [pending_ledger()]


class _Carried(HTMLParser):
    """Collects the ``data-hwlib`` records of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        carried = dict(attrs).get("data-hwlib")
        if carried:
            self.found.append(json.loads(carried))


def setup(app: Sphinx) -> None:
    """Register roles, the directive, and the passes over the pages."""
    for node in (pending_record, pending_count, pending_ledger):
        app.add_node(node)
    app.add_role("recorded", RecordedRole())
    app.add_role("claims", CountRole())
    app.add_directive("ledger", LedgerDirective)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", _gather)
    app.connect("env-updated", _outdated)
    app.connect("env-check-consistency", _check_names)
    app.connect("doctree-resolved", _fill)
    app.connect("build-finished", _write_claims)


def carried_by(doctree: nodes.document) -> list[dict[str, Any]]:
    """The records of all claims, recorded and published values in a page's outputs."""
    found: list[dict[str, Any]] = []
    for node in doctree.findall(nodes.raw):
        if "html" in node.get("format", "") and "data-hwlib" in node.astext():
            parser = _Carried()
            parser.feed(node.astext())
            found.extend(parser.found)
    return found


def _records(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    if not hasattr(env, "hwbook_records"):
        env.hwbook_records = {}  # type: ignore[attr-defined]
    return env.hwbook_records  # type: ignore[attr-defined, no-any-return]


def _pending(env: BuildEnvironment) -> set[str]:
    if not hasattr(env, "hwbook_pending"):
        env.hwbook_pending = set()  # type: ignore[attr-defined]
    return env.hwbook_pending  # type: ignore[attr-defined, no-any-return]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _records(env).pop(docname, None)
    _pending(env).discard(docname)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    _records(env).update({doc: found for doc, found in _records(other).items() if doc in docnames})
    _pending(env).update(_pending(other) & set(docnames))


def _gather(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    carried = carried_by(doctree)
    if carried:
        _records(app.env)[docname] = carried
    if any(_places(doctree)):
        _pending(app.env).add(docname)


def _places(doctree: nodes.document) -> Iterator[nodes.Element]:
    for sort in (pending_record, pending_count, pending_ledger):
        yield from doctree.findall(sort)


def _outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    return sorted(_pending(env))


def _in_order(env: BuildEnvironment) -> list[tuple[str, dict[str, Any]]]:
    """All records with their pages, in the order of the table of contents."""
    records = _records(env)
    order = env.toctree_includes.get(env.config.root_doc, [])
    rest = sorted(set(records) - set(order))
    return [(doc, record) for doc in [*order, *rest] for record in records.get(doc, [])]


def claims_of(env: BuildEnvironment) -> list[tuple[str, dict[str, Any]]]:
    """All claims of the book with their pages, in the order of the table of contents."""
    return [(doc, record) for doc, record in _in_order(env) if record["sort"] == "claim"]


def _check_names(app: Sphinx, env: BuildEnvironment) -> None:
    seen: dict[str, str] = {}
    for doc, record in _in_order(env):
        name = record["name"]
        if name in seen:
            logger.warning(
                "the name %r is used on %s and again on %s", name, seen[name], doc, type="hwbook"
            )
        seen[name] = doc


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    env = app.env
    values = {record["name"]: record for _, record in _in_order(env)}
    for place in list(doctree.findall(pending_record)):
        place.replace_self(_recorded(place, values))
    for place in list(doctree.findall(pending_count)):
        place.replace_self(nodes.Text(_count(env, place)))
    for place in list(doctree.findall(pending_ledger)):
        place.replace_self(nodes.raw("", _ledger_html(app, docname), format="html"))


def _recorded(place: pending_record, values: dict[str, dict[str, Any]]) -> nodes.Node:
    name = place["name"]
    if name not in values:
        logger.warning("nothing is recorded as %r", name, location=place, type="hwbook")
        return nodes.Text("?")
    record = values[name]
    classes = ["hw-recorded"]
    if record["sort"] == "published":
        classes.append("hw-recorded--published")
    return nodes.inline("", record["value"], classes=classes)


def _count(env: BuildEnvironment, place: pending_count) -> str:
    claims = [record for _, record in claims_of(env)]
    of = place["of"]
    if of == "total":
        return str(len(claims))
    if of in KINDS:
        return str(sum(record["kind"] == of for record in claims))
    if of in ("held", "not-checked"):
        return str(sum(record["status"].replace(" ", "-") == of for record in claims))
    logger.warning("there is no count of claims called %r", of, location=place, type="hwbook")
    return "?"


def _ledger_html(app: Sphinx, docname: str) -> str:
    pages: dict[str, list[dict[str, Any]]] = {}
    for doc, record in claims_of(app.env):
        pages.setdefault(doc, []).append(record)
    tables = [_page_html(app, docname, doc, claims) for doc, claims in pages.items()]
    up = "../" * docname.count("/")
    return "\n".join([*tables, f'<p>The same as data: <a href="{up}{DATA}">{DATA}</a>.</p>'])


def _page_html(app: Sphinx, docname: str, doc: str, claims: list[dict[str, Any]]) -> str:
    title = html.escape(app.env.titles[doc].astext())
    address = app.builder.get_relative_uri(docname, doc)
    rows = "\n".join(_row_html(address, record) for record in claims)
    columns = ('<span class="hw-sr">Holds</span>', "Claim", "Kind", "Measured", "Margin")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<div class="hw-ledger"><table><caption><a href="{address}">{title}</a></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row_html(address: str, record: dict[str, Any]) -> str:
    stated = Claim(**{key: value for key, value in record.items() if key != "sort"})
    mark, word = ("✓", "yes") if stated.status == "held" else ("–", "not checked")
    margin = "" if stated.margin is None else f"{100 * stated.margin:.3g}%"
    because = f"<small>{html.escape(stated.because)}</small>" if stated.because else ""
    return (
        f'<tr class="hw-ledger__{stated.status.replace(" ", "-")}">'
        f'<td><span role="img" aria-label="{word}">{mark}</span></td>'
        f'<td class="tex2jax_process"><a href="{address}#claim-{stated.name}">'
        f"{stated.sentence_html}</a>{because}</td>"
        f"<td>{html.escape(stated.qualified_kind)}</td>"
        f"<td>{html.escape(stated.comparison)}</td><td>{margin}</td></tr>"
    )


def _write_claims(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        ledger = [{"page": doc, **record} for doc, record in claims_of(app.env)]
        text = json.dumps(ledger, ensure_ascii=False, indent=1, sort_keys=True)
        Path(app.outdir, DATA).write_text(text + "\n", encoding="utf-8")
