"""What the text of a built page loads and names, found without a browser."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser

_SOURCES = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
_PASSIVE_LINKS = {"author", "canonical", "help", "index", "license", "next", "prev", "search"}
_SENDERS = {
    "form": "action",
    "button": "formaction",
    "input": "formaction",
    "a": "ping",
    "area": "ping",
}
_STYLE_LOADS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
_ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.identifiers: Counter[str] = Counter()
        self.links: list[str] = []
        self.sends: list[str] = []
        self.referrer: str | None = None
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.loads += [given[name] for name in _SOURCES.get(tag, ()) if name in given]
        if tag == "link" and not set(given.get("rel", "").split()) <= _PASSIVE_LINKS:
            self.loads.append(given.get("href", ""))
        self.loads += style_loads(given.get("style", ""))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if _SENDERS.get(tag) in given:
            self.sends.append(given[_SENDERS[tag]])
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.sends.append(given.get("content", "").partition("=")[2])
        if tag == "meta" and given.get("name") == "referrer":
            self.referrer = given.get("content")
        if "id" in given:
            self.identifiers[given["id"]] += 1

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += style_loads(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"


def style_loads(style: str) -> list[str]:
    """The addresses that a style sheet loads."""
    return _STYLE_LOADS.findall(style)


def elsewhere(addresses: list[str]) -> list[str]:
    """Those of the addresses that name another host."""
    return [address for address in addresses if _ELSEWHERE.match(address)]


def page_loads(text: str) -> list[str]:
    """The addresses that a page loads: scripts, styles, pictures, frames; no links to follow."""
    return _read(text).loads


def links(text: str) -> list[str]:
    """The addresses that a reader can follow from a page."""
    return _read(text).links


def sends(text: str) -> list[str]:
    """The addresses that a page sends a reader or a reader's words to."""
    return _read(text).sends


def referrer(text: str) -> str | None:
    """What a page lets the pages that it links to know of itself."""
    return _read(text).referrer


def identifiers(text: str) -> set[str]:
    """The places of a page that a link can lead to."""
    return set(_read(text).identifiers)


def repeated_identifiers(text: str) -> list[str]:
    """The identifiers that a page gives to more than one element."""
    return [name for name, count in _read(text).identifiers.items() if count > 1]


@cache
def _read(text: str) -> _Markup:
    markup = _Markup()
    markup.feed(text)
    return markup
