"""The whole book as one PDF, printed by Chromium from the pages of the built site.

The articles of all pages become one document, in the order of the contents: identifiers get the
page's name in front, links between pages become links within the document, and links to files that
a PDF does not have become text. It is printed twice: the first time tells on which page each
chapter begins, the second has these numbers in its table of contents.

    python -m hwbook.pdf      # or: make pdf
"""

from __future__ import annotations

import html
import os
import posixpath
import re
import shutil
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import yaml

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[3]
NAME = "checked-homework"
STYLE = Path(__file__).with_name("pdf.css")
WAIT = 300_000  # milliseconds
REMEDY = "no browser: apt-get install chromium, or set HWLIB_CHROMIUM to its executable"

_TITLE = re.compile(r"<h1>(.*?)<a class=.headerlink", re.DOTALL)
_SHEET = re.compile(r'<link (?=[^>]*rel="stylesheet")[^>]*href="([^"?]*)')
_MATHJAX = re.compile(r"<script>window\.MathJax.*?</script>|<script[^>]*/mathjax[^>]*></script>")
_REFERENCE = re.compile(
    r'(?<=\s)(id|name|for|href|src|aria-labelledby|aria-describedby)="([^"]*)"', re.IGNORECASE
)
_DESTINATION = re.compile(rb"/([^\s/<>\[\]()]+) \[(\d+) 0 R /XYZ")
_PAGES = re.compile(rb"\n(\d+) 0 obj\s*<<\s*/Type /Pages\b[^>]*?/Kids \[([^\]]*)\]")
_DATE = re.compile(rb"(/(?:Creation|Mod)Date \()D:[^)]*")
SETTLED = """async () => {
  await document.fonts.ready;
  await window.MathJax.startup.promise;
}"""
_NUMBER_CONTENTS = """pages => {
  for (const [name, page] of Object.entries(pages))
    document.getElementById("page-of-" + name).textContent = page;
}"""


@dataclass(frozen=True)
class Chapter:
    """One page of the site, and the caption of the part that it opens."""

    page: str
    part: str = ""

    @property
    def name(self) -> str:
        """What its identifiers begin with."""
        return Path(self.page).stem


def contents(toc: Path) -> list[Chapter]:
    """The chapters in the order of the table of contents."""
    tree = yaml.safe_load(toc.read_text(encoding="utf-8"))
    chapters = [Chapter(f"{tree['root']}.html")]
    for part in tree["parts"]:
        captions = [part["caption"], *[""] * (len(part["chapters"]) - 1)]
        for caption, chapter in zip(captions, part["chapters"], strict=True):
            chapters.append(Chapter(f"{chapter['file']}.html", caption))
    return chapters


def assemble(site: Path, chapters: list[Chapter], folder: Path) -> str:
    """One document of the chapters' articles, for a file in this folder."""
    pages = {chapter.page: (site / chapter.page).read_text("utf-8") for chapter in chapters}
    up = posixpath.relpath(site.as_posix(), folder.as_posix())
    titles = {chapter: _TITLE.search(_article_text(pages[chapter.page]))[1] for chapter in chapters}
    articles = [
        _article(chapter, pages[chapter.page], up, {c.page: c.name for c in chapters})
        for chapter in chapters
    ]
    return _DOCUMENT.format(
        title=_plain(titles[chapters[0]]),
        head=_head(pages, up),
        style=STYLE.read_text("utf-8") + "".join(_running_head(c, titles[c]) for c in chapters),
        contents=_contents(titles),
        articles="\n".join(articles),
    )


_DOCUMENT = """<!doctype html>
<html lang="en" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
{head}
<style>
{style}
</style>
</head>
<body>
<nav class="bd-article book-contents" aria-label="Contents">
<p class="book-title">{title}</p>
{contents}
</nav>
{articles}
</body>
</html>
"""


def _head(pages: dict[str, str], up: str) -> str:
    """The style sheets and the mathematics of all pages, each once."""
    sheets: dict[str, None] = {}
    scripts: dict[str, None] = {}
    for page, text in pages.items():
        for sheet in _SHEET.findall(text):
            sheets[_moved(page, sheet, up)] = None
        for script in _MATHJAX.findall(text):
            address = re.search(r'src="([^"?]*)[^"]*', script)
            moved = script.replace(address[1], _moved(page, address[1], up)) if address else script
            scripts[moved] = None
    links = [f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets]
    return "\n".join([*links, *scripts])


def _moved(page: str, address: str, up: str) -> str:
    """An address that a page gives, as seen from the folder of the document."""
    return posixpath.join(up, posixpath.normpath(posixpath.join(posixpath.dirname(page), address)))


def _running_head(chapter: Chapter, title: str) -> str:
    """The chapter's title at the head of its pages."""
    text = _plain(title).replace("\\", "").replace('"', "”")
    return f'@page {_ident(chapter)} {{ @top-left {{ content: "{text}" }} }}\n'


def _ident(chapter: Chapter) -> str:
    return f"chapter-{chapter.name}"


def _plain(title: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", title)).strip()


def _contents(titles: dict[Chapter, str]) -> str:
    lines = []
    for chapter, title in titles.items():
        if chapter.part:
            lines.append(f'<p class="part">{html.escape(chapter.part)}</p>')
        lines.append(
            f'<p class="entry"><a href="#{chapter.name}">{title}</a>'
            f'<span class="leader"></span><span id="page-of-{chapter.name}">0</span></p>'
        )
    return "\n".join(lines)


def _article_text(text: str) -> str:
    return text.partition('<article class="bd-article">')[2].partition("</article>")[0]


def _article(chapter: Chapter, text: str, up: str, names: dict[str, str]) -> str:
    rewriter = _Rewriter(chapter, up, names)
    rewriter.feed(_article_text(text))
    rewriter.close()
    part = f'<p class="part">{html.escape(chapter.part)}</p>' if chapter.part else ""
    return (
        f'<article class="bd-article chapter" id="{chapter.name}" '
        f'style="page: {_ident(chapter)}">{part}{"".join(rewriter.out)}</article>'
    )


class _Rewriter(HTMLParser):
    """Copies an article, with its identifiers and addresses made right for the whole document."""

    def __init__(self, chapter: Chapter, up: str, names: dict[str, str]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._chapter, self._up, self._names = chapter, up, names
        self._drawings = 0  # identifiers inside a drawing are its own

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._drawings += tag == "svg"
        text = self.get_starttag_text() or ""
        if not self._drawings:
            text = _REFERENCE.sub(lambda m: self._reference(m[1].lower(), m[2]), text)
        if tag == "details":
            text = text.replace("<details", "<details open", 1)
        self.out.append(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._drawings -= tag == "svg"

    def handle_endtag(self, tag: str) -> None:
        self._drawings -= tag == "svg"
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def _reference(self, attribute: str, value: str) -> str:
        if attribute == "src":
            return f'src="{value if ":" in value else _moved(self._chapter.page, value, self._up)}"'
        if attribute == "href":
            return self._link(value)
        if attribute == "name":
            return f'name="{value}"'
        return f'{attribute}="{" ".join(self._own(name) for name in value.split())}"'

    def _own(self, name: str) -> str:
        return f"{self._chapter.name}--{name}"

    def _link(self, value: str) -> str:
        address = urlsplit(html.unescape(value))
        if address.scheme or address.netloc:
            return f'href="{value}"'
        folder = posixpath.dirname(self._chapter.page)
        target = posixpath.normpath(posixpath.join(folder, unquote(address.path)))
        page = target if address.path else self._chapter.page
        if page not in self._names:
            return "data-not-printed"
        fragment = f"--{address.fragment}" if address.fragment else ""
        return f'href="#{html.escape(self._names[page] + fragment)}"'


def page_numbers(pdf: bytes, names: list[str]) -> dict[str, int]:
    """The number of the page on which each named place is, read from a PDF of Chromium's."""
    order = {number: place for place, number in enumerate(_page_objects(pdf), start=1)}
    places = {name.decode(): order[int(page)] for name, page in _DESTINATION.findall(pdf)}
    return {name: places[name] for name in names}


def _page_objects(pdf: bytes) -> list[int]:
    """The numbers of the pages' objects, in the order of the pages."""
    tree = {
        int(number): [int(kid) for kid in re.findall(rb"(\d+) 0 R", kids)]
        for number, kids in _PAGES.findall(pdf)
    }
    (root,) = set(tree) - {kid for kids in tree.values() for kid in kids}

    def leaves(number: int) -> list[int]:
        if number not in tree:
            return [number]
        return [leaf for kid in tree[number] for leaf in leaves(kid)]

    return leaves(root)


def undated(pdf: bytes) -> bytes:
    """The same PDF with its dates at an agreed instant, and not a byte longer."""

    def agreed(match: re.Match[bytes]) -> bytes:
        length = len(match[0]) - len(match[1])
        return match[1] + b"D:20000101000000+00'00'"[:length].ljust(length)

    return _DATE.sub(agreed, pdf)


def printed(page: Page, names: list[str]) -> bytes:
    """The PDF of an open document, with the numbers of the pages in its contents."""

    def once() -> bytes:
        return page.pdf(prefer_css_page_size=True, outline=True, tagged=True)

    page.evaluate(SETTLED)
    page.evaluate(_NUMBER_CONTENTS, page_numbers(once(), names))
    return undated(once())


def print_book(document: Path, names: list[str], executable: str) -> bytes:
    """The PDF of a document, from a browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        try:
            page = browser.new_page(color_scheme="light")
            page.goto(document.as_uri(), timeout=WAIT)
            return printed(page, names)
        finally:
            browser.close()


def make(site: Path, toc: Path, folder: Path, executable: str) -> Path:
    """Write the book of a site as a PDF into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    chapters = contents(toc)
    document = folder / f"{NAME}.html"
    document.write_text(assemble(site, chapters, folder), encoding="utf-8")
    pdf = print_book(document, [chapter.name for chapter in chapters], executable)
    target = folder / f"{NAME}.pdf"
    target.write_bytes(pdf)
    return target


def find_chromium() -> str | None:
    """The browser's executable, or None."""
    return os.environ.get("HWLIB_CHROMIUM") or shutil.which("chromium")


def main() -> None:
    """Print the site in _build/html."""
    executable = find_chromium()
    if executable is None:
        sys.exit(REMEDY)
    build = ROOT / "_build"
    print(make(build / "html", ROOT / "_toc.yml", build / "pdf", executable).relative_to(ROOT))


if __name__ == "__main__":
    main()
