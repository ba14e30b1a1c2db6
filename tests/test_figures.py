"""Figures: themed, named in words, and the same bytes each time."""

from __future__ import annotations

import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from hwlib import _svg, figures


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
    assert targets <= ids[0]
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
