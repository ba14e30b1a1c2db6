"""From each entry of the interface back to the chapters that speak of it.

A chapter names a function with ``{py:func}``; the entry of that function then ends in a line with
links to all such chapters. Names count once Sphinx has resolved them, so a short one counts too.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

Reference = tuple[str, str, str, str]  # module, class, type and name, as the Python domain looks up


def setup(app: Sphinx) -> None:
    """Gather the references of each page, and fill the entries once all pages are read."""
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", _gather)
    app.connect("env-updated", _outdated)
    app.connect("doctree-resolved", _fill)


def used_in(env: BuildEnvironment) -> dict[str, list[str]]:
    """For each documented name the pages that refer to it, in the order of the contents."""
    pages = [doc for doc in env.toctree_includes.get(env.config.root_doc, []) if doc in _kept(env)]
    found: dict[str, list[str]] = {}
    for doc in pages:
        for name in sorted({_resolved(env, reference) for reference in _kept(env)[doc]} - {None}):
            found.setdefault(name, []).append(doc)
    return found


def _resolved(env: BuildEnvironment, reference: Reference) -> str | None:
    module, owner, sort, name = reference
    matches = env.get_domain("py").find_obj(env, module, owner, name, sort, 1)
    return matches[0][0] if matches else None


def _kept(env: BuildEnvironment) -> dict[str, set[Reference]]:
    if not hasattr(env, "hwbook_references"):
        env.hwbook_references = {}  # type: ignore[attr-defined]
    return env.hwbook_references  # type: ignore[attr-defined, no-any-return]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _kept(env).pop(docname, None)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    _kept(env).update({doc: found for doc, found in _kept(other).items() if doc in docnames})


def _gather(app: Sphinx, doctree: nodes.document) -> None:
    """Take a page's references; those of the interface to itself do not count."""
    if next(doctree.findall(addnodes.desc), None) is not None:
        return
    found = {
        (
            node.get("py:module") or "",
            node.get("py:class") or "",
            node["reftype"],
            node["reftarget"],
        )
        for node in doctree.findall(addnodes.pending_xref)
        if node.get("refdomain") == "py"
    }
    if found:
        _kept(app.env)[app.env.docname] = found


def _outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages with entries are written anew each time: any chapter may have changed them."""
    return sorted({entry.docname for entry in env.get_domain("py").objects.values()})


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    entries = list(doctree.findall(addnodes.desc))
    if not entries:
        return
    uses = used_in(app.env)
    for entry in entries:
        names = [name for line in entry.findall(addnodes.desc_signature) for name in line["ids"]]
        pages = uses.get(names[0], []) if names else []
        if pages:
            _append(entry, _line(app, docname, names[0], pages))


def _append(entry: addnodes.desc, line: nodes.paragraph) -> None:
    """Put the line at the end of an entry's own text, before its members."""
    content = next(child for child in entry if isinstance(child, addnodes.desc_content))
    member = content.first_child_matching_class(addnodes.desc)
    content.insert(len(content) if member is None else member, line)


def _line(app: Sphinx, docname: str, name: str, pages: list[str]) -> nodes.paragraph:
    line = nodes.paragraph("", "Used in: ", classes=["hw-used"])
    for number, page in enumerate(pages):
        line += nodes.Text(", ") if number else nodes.Text("")
        title = app.env.titles[page].astext()
        address = app.builder.get_relative_uri(docname, page)
        line += nodes.reference("", title, internal=True, refuri=address)
    return line
