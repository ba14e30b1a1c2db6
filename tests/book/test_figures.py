"""Figures speak: each says its finding, gives its data, and can be seen in both themes."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.book.browser import (
    HERE,
    REMEDY,
    THEMES,
    WIDTHS,
    Viewer,
    built_pages,
    find_chromium,
    launched,
    served,
    site_folder,
)
from tests.book.test_extension import STRICT, Book, said
from tests.book.test_theme import TEXT, colors, contrast

FIGURE = re.compile(r'<figure[^>]*id="([^"]*)".*?</figure>', re.DOTALL)
ALT = re.compile(r'aria-label="([^"]*)"')
CAPTION = re.compile(r'class="caption-text">(.*?)(?:<a class="headerlink"|</p>)', re.DOTALL)
NUMBER = re.compile(r'class="caption-number">Fig\. (\d+) ')
LINK = re.compile(r'<a class="hw-data" href="([^"]*)" download>(.*?)</a>')
LEAST = 60  # characters of an alternative text
AGAIN = 0.5  # of its words in the caption: then it is the caption once more
CONTRASTS = (HERE / "contrast.js").read_text(encoding="utf-8")
IN_TEXT = ("ink", "muted", "c0", "c1")


@dataclass(frozen=True)
class Shown:
    """A figure in a built page."""

    page: Path
    name: str
    alt: str
    caption: str
    number: str
    links: list[tuple[str, str]]


def shown(page: Path) -> Iterator[Shown]:
    for figure in FIGURE.finditer(page.read_text(encoding="utf-8")):
        alts, caption = ALT.findall(figure[0]), CAPTION.search(figure[0])
        number = NUMBER.search(figure[0])
        yield Shown(
            page,
            figure[1],
            alt=html.unescape(alts[0]) if alts else "",
            caption=html.unescape(re.sub("<[^>]*>", "", LINK.sub("", caption[1]))).strip()
            if caption
            else "",
            number=number[1] if number else "",
            links=[(href, re.sub("<[^>]*>", "", text)) for href, text in LINK.findall(figure[0])],
        )


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.casefold()))


def repeated(alt: str, caption: str) -> float:
    """The share of an alternative text's words that stand in the caption, too."""
    return len(words(alt) & words(caption)) / len(words(alt))


SITE = site_folder()
SHOWN = [
    figure
    for page in built_pages(SITE)
    if page.startswith("book/")
    for figure in shown(SITE / page)
]
PAGES = sorted({figure.page.relative_to(SITE).as_posix() for figure in SHOWN}) or ["no page"]
each_figure = pytest.mark.parametrize(
    "figure",
    [pytest.param(figure, id=f"{figure.page.stem}-{figure.name}") for figure in SHOWN] or [None],
)


@pytest.mark.site
@each_figure
def test_the_alternative_text_says_the_finding(figure: Shown) -> None:
    assert len(figure.alt) >= LEAST
    assert re.search(r"\d", figure.alt), "no number in it: what was measured?"


@pytest.mark.site
@each_figure
def test_the_alternative_text_is_not_the_caption_again(figure: Shown) -> None:
    assert figure.caption
    assert repeated(figure.alt, figure.caption) <= AGAIN


@pytest.mark.site
@each_figure
def test_the_data_are_one_link_away(figure: Shown) -> None:
    ((href, name),) = figure.links
    which = f"figure {figure.number}" if figure.number else figure.caption
    assert html.unescape(name) == f"data (CSV) of {which}"
    file = figure.page.parent / href
    head, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    assert all(head)
    assert rows
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.site
def test_the_chapters_count_their_figures_from_1_and_cards_have_no_number(site: Path) -> None:
    assert {figure.number for figure in SHOWN if figure.page.stem == "index"} == {""}
    assert next(shown(site / "book/lad.html")).number == "1"


@pytest.mark.site
def test_every_file_of_data_belongs_to_a_figure(site: Path) -> None:
    linked = [(figure.page.parent / href).resolve() for figure in SHOWN for href, _ in figure.links]
    assert sorted(linked) == sorted(path.resolve() for path in (site / "figures").iterdir())


@pytest.mark.site
def test_no_page_carries_the_data_itself() -> None:
    first = SHOWN[0]
    table = (first.page.parent / first.links[0][0]).read_text(encoding="utf-8")
    assert "\n".join(table.splitlines()[1:4]) not in first.page.read_text(encoding="utf-8")


def test_a_caption_said_again_is_found() -> None:
    caption = "The largest error against the number of boxes, and the bound of the theorem."
    assert repeated("The largest error, the number of boxes and the bound.", caption) > AGAIN
    assert repeated("It falls from 0.7 with 10 boxes to 0.00007 with 100,000.", caption) < AGAIN


@pytest.mark.parametrize("theme", THEMES)
def test_colours_of_text_in_figures_can_be_read(theme: str) -> None:
    given = colors(theme)
    assert {name: contrast(given[name], given["paper"]) >= TEXT for name in IN_TEXT} == (
        dict.fromkeys(IN_TEXT, True)
    )


# ---- In a browser ---------------------------------------------------------------------------

SHELL = """<!doctype html><html lang="en" data-theme="light"><head><title>T</title>
<style>body {{ background: #fff; --hw-grid: #d5d8dc }}</style></head><body>
<figure id="f"><div class="hw-figure"><svg width="100" height="100">
<defs><path id="l" d="M0 0H640V640H0z" transform="scale(0.015625)"/></defs>
{}</svg></div></figure>"""
LETTER = '<g fill="{}" transform="translate(40 40)"><use href="#l"/></g>'


@pytest.fixture(scope="module")
def viewers() -> Iterator[dict[str, Viewer]]:
    executable = find_chromium()
    if executable is None:
        pytest.skip(REMEDY)
    with launched(executable) as browser:
        yield {theme: Viewer(browser, theme, max(WIDTHS)) for theme in THEMES}


@pytest.fixture(scope="module")
def origin(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.mark.site
@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("page", PAGES)
def test_figures_have_contrast(
    page: str, theme: str, origin: str, viewers: dict[str, Viewer]
) -> None:
    viewers[theme].open(origin + page)
    weak = viewers[theme].page.evaluate(CONTRASTS)
    assert not weak, "\n" + "\n".join(weak)


@pytest.fixture
def weak(tmp_path: Path, viewers: dict[str, Viewer]) -> Iterator[Callable[[str], list[str]]]:
    with served(tmp_path) as origin:

        def examine(drawing: str) -> list[str]:
            (tmp_path / "page.html").write_text(SHELL.format(drawing), encoding="utf-8")
            viewers["light"].open(origin + "page.html")
            return list(viewers["light"].page.evaluate(CONTRASTS))

        yield examine


@pytest.mark.browser
@pytest.mark.parametrize(
    "drawing",
    [
        LETTER.format("#767676"),
        '<rect width="90" height="90" fill="#00599f"/>' + LETTER.format("#fff"),
        '<path d="M0 5H90" stroke="#d5d8dc" fill="none"/>',
        '<rect width="90" height="90" fill="#00599f" fill-opacity=".2" stroke="#00599f"/>',
        "".join(f'<rect width="9" height="9" fill="#00599f" opacity=".{k}"/>' for k in range(1, 9)),
    ],
)
def test_a_clear_drawing_passes(drawing: str, weak: Callable[[str], list[str]]) -> None:
    assert weak(drawing) == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("drawing", "what"),
    [
        (LETTER.format("#777777"), "text: 4.48"),
        ('<rect width="90" height="90" fill="#777"/>' + LETTER.format("#202124"), "text"),
        (
            '<rect width="90" height="90" fill="#00599f" opacity=".8"/>' + LETTER.format("#00599f"),
            "text",
        ),
        ('<path d="M0 5L90 90" stroke="#d5d8dc" fill="none"/>', "stroke"),
        ('<path d="M0 5H90" stroke="#00599f" stroke-opacity=".3" fill="none"/>', "stroke"),
        ('<rect width="90" height="90" fill="#00599f" fill-opacity=".2"/>', "fill"),
    ],
)
def test_a_pale_drawing_is_caught(
    drawing: str, what: str, weak: Callable[[str], list[str]]
) -> None:
    assert [one.startswith(f"f: {what}") for one in weak(drawing)] == [True]


# ---- A small book ---------------------------------------------------------------------------

DRAWN = """
```{{code-cell}} python
---
mystnb:
  figure:
    {}caption: A line.
---
import matplotlib.pyplot as plt
from hwlib import figures
figures.use_style()
figure, ax = plt.subplots()
{}
figures.show(figure, "A line falls from 1 to 0.")
```
"""


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(tmp_path / "book of figures")
    book.write("book/index.md", "# Start\n")
    return book


def test_data_reach_the_site_also_from_the_cache(book: Book) -> None:
    book.page(DRAWN.format("name: fig-line\n    ", "ax.plot([0, 1], [1, 0.25])"))
    file = book.root / "_build/html/figures/line.csv"
    for _ in range(2):
        done = book.build(*STRICT)
        assert done.returncode == 0, said(done)
        assert file.read_bytes() == b"x,y\n0,1\n1,0.25\n"
        (figure,) = shown(book.root / "_build/html/book/page.html")
        assert figure.links == [("../figures/line.csv", "data (CSV) of figure 1")]
        file.unlink()
        book.edit("book/page.md", "# Page\n", "# Page\n\nMore.\n")


@pytest.mark.parametrize(
    ("name", "drawing", "complaint"),
    [
        ("", "ax.plot([0, 1])", "a figure needs a name"),
        ("name: fig-a\n    ", "ax.text(0, 0, 'no data')", "nothing can be read from this figure"),
        ("name: fig-a\n    ", "ax.plot(range(40_000))", "the data of this figure has"),
    ],
)
def test_a_strict_build_stops_at(book: Book, name: str, drawing: str, complaint: str) -> None:
    book.page(DRAWN.format(name, drawing))
    done = book.build(*STRICT)
    assert complaint in said(done)
    assert done.returncode != 0


LIVE = """
```{code-cell} python
---
mystnb:
  figure:
    name: fig-live
    caption: A line.
---
import matplotlib.pyplot as plt
from hwlib import figures
figures.use_style()
figure, ax = plt.subplots()
ax.plot([0, 1])
figures.live("SCRIPT", {"x": [1]}, figure, "A line.", part=b"heavy")
```
"""


def test_a_live_figure_reaches_the_site_also_from_the_cache(book: Book) -> None:
    book.page(LIVE.replace("SCRIPT", "softmax"))
    html = book.root / "_build/html"
    for _ in range(2):
        done = book.build(*STRICT)
        assert done.returncode == 0, said(done)
        text = (html / "book/page.html").read_text(encoding="utf-8")
        assert 'data-figure="softmax">{"x":[1],"partBytes":5}</script>' in text
        assert [
            text.count(f"_static/live/{name}") for name in ("live.js", "softmax.js", "live.css")
        ] == [1] * 3
        part = html / "live/softmax.js"
        assert part.read_text(encoding="utf-8") == 'hwLive.arrive("softmax", "aGVhdnk=");\n'
        part.unlink()
        book.edit("book/page.md", "# Page\n", "# Page\n\nMore.\n")


def test_a_strict_build_stops_at_a_live_figure_without_a_script(book: Book) -> None:
    book.page(LIVE.replace("SCRIPT", "nothing"))
    done = book.build(*STRICT)
    assert "no script answers for the live figure 'nothing'" in said(done)
    assert done.returncode != 0
