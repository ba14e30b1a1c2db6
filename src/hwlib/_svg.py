"""matplotlib's SVG as part of a page: small, in the page's colours, with names of its own."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"#([\w.:-]+)")
_NUMBER = re.compile(r"-?\d+\.\d+")
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
# matplotlib sets these by a rule for every element, which in a page would reach other drawings.
_INHERITED = "stroke-linejoin: round; stroke-linecap: butt"


def inline(svg: str, label: str, colors: Mapping[str, str]) -> str:
    """The drawing as an element of a page.

    Coordinates are rounded to a hundredth of a point, equal styles become one class, and what
    nothing refers to is left out: that takes off half of the bytes or more.

    Args:
        svg: What ``Figure.savefig`` writes.
        label: The alternative text.
        colors: The CSS variable of each themed colour.
    """
    root = ET.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        element.text = element.tail = None
        element.tag = element.tag.removeprefix(_SVG)
        if _LINK in element.attrib:
            element.set("href", element.attrib.pop(_LINK))
        for name, shorten in (("d", _shortened), ("x", _rounded), ("y", _rounded)):
            if name in element.attrib:
                element.set(name, shorten(element.attrib[name]))
    _drop_unused_names(root)
    _unwrap(root)
    prefix = "f" + hashlib.sha256(ET.tostring(root)).hexdigest()[:7]
    _own_names(root, prefix)
    style = ET.Element("style")
    style.text = "".join(_styles_to_classes(root, prefix, colors))
    root.insert(0, style)
    for name in ("version", "xmlns"):
        root.attrib.pop(name, None)
    root.attrib = {"role": "img", "aria-label": label, "style": _INHERITED, **root.attrib}
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _rounded(numbers: str) -> str:
    """Each number with at most two decimals."""
    return _NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), numbers)


def _shortened(path: str) -> str:
    """Path data without the commands and the spaces that go without saying."""
    pieces, previous = [], ""
    for command, values in _COMMAND.findall(_rounded(path)):
        implied = command == previous or (command == "L" and previous == "M")
        pieces.append((" " if implied else command) + " ".join(values.split()))
        previous = "L" if command == "M" else command
    return "".join(pieces).replace(" -", "-")


def _references(element: ET.Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name == "href" or "url(" in value:
            yield from _REFERENCE.findall(value)


def _drop_unused_names(root: ET.Element) -> None:
    used = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)


def _unwrap(parent: ET.Element) -> None:
    """Put the children of each group that says nothing in its place."""
    children = []
    for child in parent:
        _unwrap(child)
        children += list(child) if child.tag == "g" and not child.attrib else [child]
    parent[:] = children


def _own_names(root: ET.Element, prefix: str) -> None:
    """Several drawings share one page, and one space of names."""
    names: dict[str, str] = {}
    for element in root.iter():
        own = element.get("id")
        if own is not None:
            names[own] = f"{prefix}-{len(names)}"
            element.set("id", names[own])
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href" or "url(" in value:
                element.set(name, _REFERENCE.sub(lambda match: f"#{names[match[1]]}", value))


def _styles_to_classes(root: ET.Element, prefix: str, colors: Mapping[str, str]) -> Iterator[str]:
    classes: dict[str, str] = {}
    for element in root.iter():
        style = element.attrib.pop("style", None)
        if style is not None:
            element.set("class", classes.setdefault(style, f"{prefix}c{len(classes)}"))
    for style, name in classes.items():
        for color, variable in colors.items():
            style = style.replace(color, f"var({variable}, {color})")
        yield f".{name}{{{style}}}"
