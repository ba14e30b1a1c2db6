"""The colours of figures and text, in both themes, against the background."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).resolve().parents[2] / "book" / "_static" / "theme.css"
TEXT = 4.5  # WCAG 2.2, success criterion 1.4.3
GRAPHIC = 3.0  # WCAG 2.2, success criterion 1.4.11
CATEGORIES = [f"c{i}" for i in range(6)]


def colors(theme: str) -> dict[str, str]:
    """The variables ``--hw-…`` of a theme that are colours."""
    blocks = re.findall(r"([^{}]*)\{([^{}]*)\}", STYLE.read_text(encoding="utf-8"))
    block = next(
        body
        for selector, body in blocks
        if selector.strip().endswith(f'html[data-theme="{theme}"]') and "--hw-c0" in body
    )
    return dict(re.findall(r"--hw-([\w-]+):\s*(#[0-9a-f]{6});", block))


def luminance(color: str) -> float:
    """The relative luminance of WCAG 2."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("names", "least"), [(["ink", "muted", "link", "held"], TEXT), (CATEGORIES, GRAPHIC)]
)
def test_colors_stand_out_from_the_background(theme: str, names: list[str], least: float) -> None:
    given = colors(theme)
    assert {
        name: contrast(given[name], given["paper"]) >= least for name in names
    } == dict.fromkeys(names, True)


def test_the_themes_define_the_same_colors() -> None:
    assert colors("light").keys() == colors("dark").keys()


def test_contrast_spans_its_range() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
