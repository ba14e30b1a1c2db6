"""Figures: themed, named in words, and the same bytes each time."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hwlib import _drawn, _live, _svg, _table, figures


@pytest.fixture(autouse=True)
def own_style():
    with mpl.rc_context():
        mpl.use("agg")
        figures.use_style()
        yield
        plt.close("all")


def drawn():
    figure, axes = plt.subplots()
    axes.plot([0, 1], [1, 0], label="a line")
    axes.plot([0, 1], [0, 1])
    axes.fill_between([0, 1], [0, 1], alpha=0.3)
    axes.set(title="a title", xlabel="x")
    axes.legend()
    return figure


def test_colours_become_variables_with_themselves_as_fallback():
    markup = figures._markup(drawn(), "A line falls.")
    colours = set(re.findall(r"(?<![(\"])#[0-9a-f]{6}\b", markup))
    themed = set(re.findall(r"var\(--hw-[a-z0-9]+, (#[0-9a-f]{6})\)", markup))
    assert colours == themed
    assert {figures.INK, figures.COLORS[0], figures.COLORS[1]} <= themed


def test_the_same_figure_has_the_same_bytes():
    assert figures._markup(drawn(), "A line.") == figures._markup(drawn(), "A line.")


def test_the_rules_of_a_figure_come_before_what_they_style():
    assert re.search(r"<svg[^>]*><style>", figures._markup(drawn(), "A line."))


def test_the_alternative_text_is_escaped():
    assert 'aria-label="a &lt; b &amp; &quot;c&quot;"' in figures._markup(drawn(), ' a < b\n& "c"')


def test_an_empty_alternative_text_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        figures.show(drawn(), "  ")


def test_every_reference_inside_a_figure_resolves_and_is_its_own():
    first = figures._markup(drawn(), "A line.")
    other = plt.figure()
    other.add_subplot().plot([0, 2], [3, 1])
    second = figures._markup(other, "Another.")
    ids = [set(re.findall(r'\bid="([^"]+)"', markup)) for markup in (first, second)]
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', first))
    assert targets
    assert targets == ids[0]  # what nothing refers to has no name
    assert not ids[0] & ids[1]


def test_no_date_no_link_in_the_figure():
    markup = figures._markup(drawn(), "A line.")
    assert "<metadata" not in markup
    assert set(re.findall(r"https?://[^\"]+", markup)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_a_figure_has_no_rule_that_reaches_beyond_it():
    markup = figures._markup(drawn(), "A line.")
    (sheet,) = re.findall("<style>(.*?)</style>", markup)
    classes = set(re.findall(r'class="(f[^"]+)"', markup))
    assert set(re.sub(r"\{[^}]+\}", " ", sheet).split()) == {f".{name}" for name in classes}


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 0 0.123456 \nL -1.5 20 \nL 3 -4.999 \nz\n", "M0 0.12-1.5 20 3-5z"),
        ("M 1 2 \nL 3 4 \nM 5 6 \nM 7 8 \n", "M1 2 3 4M5 6M7 8"),
        ("M 0 0 \nQ 1 2 3 4 \nQ 5 6 7 8 \nL 9 9 \n", "M0 0Q1 2 3 4 5 6 7 8L9 9"),
    ],
)
def test_a_path_is_written_short(path, short):
    assert _svg._shortened(path) == short


def test_groups_that_say_nothing_are_gone():
    markup = figures._markup(drawn(), "A line.")
    assert "<g>" not in markup
    assert "<use" in markup


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from hwlib import figures\n"
        "try: figures.use_style()\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "hwlib[plot]"' in done.stdout


def test_a_figure_has_two_axes_and_no_frame():
    _, axes = plt.subplots()
    sides = [side for side, spine in axes.spines.items() if spine.get_visible()]
    assert sorted(sides) == ["bottom", "left"]


def table(figure) -> list[list[str]]:
    return list(csv.reader(io.StringIO(_table.csv_text(_drawn.columns(figure)))))


def test_the_data_of_lines_name_their_panel_series_and_axes():
    figure, (left, right) = plt.subplots(1, 2, sharey=True)
    left.plot([0, 1], [2, 0.1234567], label="falls")
    left.axhline(3, gid="bound")
    left.set(title="Left", xlabel="step", ylabel="loss")
    right.plot([0, 1], [1, np.nan])
    assert table(figure) == [
        ["panel", "series", "x label", "y label", "x", "y"],
        ["Left", "falls", "step", "loss", "0", "2"],
        ["Left", "falls", "step", "loss", "1", "0.123457"],
        ["Left", "bound", "step", "loss", "", "3"],
        ["2", "", "", "loss", "0", "1"],
        ["2", "", "", "loss", "1", ""],
    ]


def test_error_bars_have_both_ends_and_are_read_once():
    figure, ax = plt.subplots()
    ax.errorbar([1, 2], [3, 4], [[0.5, 1], [1, 2]], xerr=1, fmt="o", label="measured")
    assert table(figure) == [
        ["series", "x", "x low", "x high", "y", "y low", "y high"],
        ["measured", "1", "0", "2", "3", "2.5", "4"],
        ["measured", "2", "1", "3", "4", "3", "6"],
    ]


def test_bars_have_their_names_or_else_their_edges():
    figure, (named, counted) = plt.subplots(1, 2)
    named.barh(np.arange(2) + 0.2, [3, 4], 0.4)
    named.set_yticks([0, 1], ["bag", "coat"])
    counted.hist([1, 1, 3], bins=[0, 2, 4], label="all")
    assert table(figure) == [
        ["panel", "series", "x", "x low", "x high", "y"],
        ["1", "", "3", "", "", "bag"],
        ["1", "", "4", "", "", "coat"],
        ["2", "all", "", "0", "2", "2"],
        ["2", "all", "", "2", "4", "1"],
    ]


@pytest.mark.parametrize(
    ("draw", "rows"),
    [
        (lambda ax: ax.stairs([5, 6], [0, 1, 3]), [["0", "1", "5"], ["1", "3", "6"]]),
        (lambda ax: ax.axvspan(1, 2), [["1", "2"]]),
        (lambda ax: ax.scatter([1, 2], [3, 4]), [["1", "3"], ["2", "4"]]),
        (
            lambda ax: ax.fill([0, 1, 1], [0, 0, 2]),
            [["0", "0"], ["1", "0"], ["1", "2"], ["0", "0"]],
        ),
        (
            lambda ax: ax.fill_between([0, 1], [0, 1], [2, 3]),
            [["0", "2"], ["0", "0"], ["1", "1"], ["1", "3"], ["1", "3"], ["0", "2"], ["0", "2"]],
        ),
        (lambda ax: ax.imshow([[7, 8]]), [["0", "0", "7"], ["0", "1", "8"]]),
        (lambda ax: ax.contour([[0, 2], [0, 2]], [1]), [["1", "0.5", "1"], ["1", "0.5", "0"]]),
        (
            lambda ax: ax.contourf([[0, 0], [0, 0]], [-1, 1]),
            [
                ["-1 to 1", *at]
                for at in (["1", "0"], ["1", "1"], ["0", "1"], ["0", "0"], ["1", "0"])
            ],
        ),
    ],
)
def test_what_else_is_drawn_is_read(draw, rows):
    figure, ax = plt.subplots()
    draw(ax)
    assert table(figure)[1:] == rows


def test_unlabelled_series_of_a_panel_are_numbered():
    figure, ax = plt.subplots()
    ax.plot(0, 1, "o")
    ax.plot(0, 2, "o")
    assert [row[0] for row in table(figure)] == ["series", "1", "2"]


def test_a_drawing_has_no_data_of_its_own():
    figure, ax = plt.subplots()
    ax.add_patch(plt.Rectangle((0, 0), 1, 1))
    ax.text(0, 0, "a box")
    ax.grid(visible=True)
    assert _drawn.columns(figure) == {}


def test_numbers_are_short_and_whole_ones_whole():
    cells = [1 / 3, 2.0, 12_345_678, 1e-17, np.float32(0.1), float("inf"), None, "a, b"]
    text = _table.csv_text(_table.checked({"n": cells}))
    assert text == 'n\n0.333333\n2\n12345678\n1e-17\n0.1\ninf\n""\n"a, b"\n'


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "need columns"),
        ({" ": [1]}, "a name of its own"),
        ({"a": []}, "number of rows"),
        ({"a": [1], "b": [1, 2]}, "number of rows"),
        ({"a": [[1, 2]]}, "neither number nor text"),
    ],
)
def test_what_is_no_table_is_refused(data, complaint):
    with pytest.raises(ValueError, match=complaint):
        figures.show(drawn(), "A line.", data=data)


@pytest.fixture
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr(figures._notebook, "show", lambda *given: outputs.append(given) or True)
    return outputs


def test_a_live_figure_is_a_figure_with_numbers_beside_it(shown):
    figures.live("two-lines", {"x": np.array([0.1, 2]), "name": "<a>"}, drawn(), "A line.")
    ((markup, _, more),) = shown
    still, given = markup.split("</div>")
    assert still == figures._markup(drawn(), "A line.").removesuffix("</div>")
    start = '<script type="application/json" class="hw-live-given" data-figure="two-lines">'
    assert given == start + r'{"x":[0.1,2.0],"name":"\u003ca>"}</script>'
    assert list(more) == ["text/csv"]


def test_the_numbers_of_a_live_figure_keep_every_digit(shown):
    x = np.random.default_rng(0).normal(size=100)
    figures.live("points", {"x": x}, drawn(), "A line.")
    text = re.search(r">(\{.*\})</script>", shown[0][0])[1]
    assert json.loads(text)["x"] == x.tolist()


def test_what_is_heavy_lies_beside_a_live_figure(shown):
    figures.live("points", {}, drawn(), "A line.", part=bytes(range(256)))
    markup, _, more = shown[0]
    assert '{"partBytes":256}' in markup
    part = json.loads(more[_live.MIME])
    assert part["name"] == "points"
    assert base64.b64decode(part["base64"]) == bytes(range(256))


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("../x", {}, ValueError),
        ("Points", {}, ValueError),
        ("points", {"x": np.nan}, ValueError),
        ("points", {"x": object()}, TypeError),
    ],
)
def test_what_no_script_can_read_is_refused(name, given, error):
    with pytest.raises(error):
        figures.live(name, given, drawn(), "A line.")


def test_a_notebook_gets_the_table_beside_the_picture(shown):
    figures.show(drawn(), "A line.")
    figures.show(drawn(), "A line.", data={"x": [1, 2]})
    read, given = (more["text/csv"] for _, _, more in shown)
    assert read.startswith("panel,series,x label,x,y\na title,a line,x,0,1\n")
    assert given == "x\n1\n2\n"
