"""Every number that a live figure shows, against hwlib on the same input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser
from tests.book.live import Live, playing

from hwlib import softmax

pytestmark = [pytest.mark.site, pytest.mark.browser]

TOLERANCE = 1e-6  # a figure shows three digits
ROUNDS = 25
DRAGS = 6


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(len(request.node.name))


def live(name: str) -> Iterator[Live]:
    """A fixture: the live figure of this name."""

    @pytest.fixture(scope="module", name=f"live_{name}")
    def opened(browser: Browser, site: Path) -> Iterator[Live]:
        with playing(browser, site, name) as figure:
            yield figure

    return opened


def assert_shown(figure: Live, wanted: dict[str, float]) -> None:
    """These numbers are on show, and no others."""
    found = figure.numbers()
    assert found.keys() == wanted.keys()
    off = {
        name: (found[name], wanted[name])
        for name in wanted
        if not abs(found[name] - wanted[name]) <= TOLERANCE
    }
    assert off == {}


# ---- The softmax ----------------------------------------------------------------------------

live_softmax = live("softmax")


def softmax_numbers(z: np.ndarray, T: float) -> dict[str, float]:
    y, J = softmax.softmax(z, temperature=T), softmax.jacobian(z, temperature=T)
    size, equal = np.linalg.norm(J), np.linalg.norm(softmax.jacobian(0 * z, temperature=T))
    return {
        "T": T,
        **{f"z{i + 1}": z[i] for i in range(3)},
        **{f"y{i + 1}": y[i] for i in range(3)},
        **{f"J{i + 1}{j + 1}": J[i, j] for i in range(3) for j in range(3)},
        **{f"sum{i + 1}": J[i].sum() for i in range(3)},
        "size": size,
        "percent": 100 * size / equal,
    }


def test_softmax_typed(live_softmax: Live, rng: np.random.Generator) -> None:
    for _ in range(ROUNDS):
        z, T = rng.uniform(-6, 6, 3).round(4), float(f"{10 ** rng.uniform(-1, 1):.5g}")
        live_softmax.enter(z1=z[0], z2=z[1], z3=z[2], T=T)
        assert_shown(live_softmax, softmax_numbers(z, T))


def test_softmax_slid_and_dragged(live_softmax: Live, rng: np.random.Generator) -> None:
    for _ in range(DRAGS):
        for name in ("z1", "T"):
            live_softmax.slider(name).focus()
            live_softmax.page.keyboard.press(str(rng.choice(["ArrowLeft", "PageUp", "ArrowRight"])))
        handle = live_softmax.box.locator("circle.handle")
        live_softmax.drag(handle, *rng.uniform(-60, 60, 2))
        handle.press(str(rng.choice(["ArrowLeft", "Shift+ArrowUp", "ArrowDown"])))
        now = live_softmax.numbers()
        z = np.array([now["z1"], now["z2"], now["z3"]])
        assert_shown(live_softmax, softmax_numbers(z, now["T"]))


def test_softmax_dragged_lands_at_the_pointer(live_softmax: Live) -> None:
    live_softmax.enter(z1=0, z2=0, z3=0, T=1)
    live_softmax.drag(live_softmax.box.locator("circle.handle"), 0, -60)
    now = live_softmax.numbers()
    assert now["y3"] > 0.5
    assert now["y1"] == pytest.approx(now["y2"], abs=0.01)


def test_softmax_says_where_the_gradient_is_dead(live_softmax: Live) -> None:
    live_softmax.enter(z1=6, z2=-6, z3=-6, T=1)
    assert "the gradient is dead" in live_softmax.words()
    live_softmax.enter(z1=0, z2=0, z3=0)
    assert "dead" not in live_softmax.words()
