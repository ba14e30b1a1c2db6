"""Every number that a live figure shows, against hwlib on the same input."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, expect
from tests.book.browser import Viewer
from tests.book.live import PAGES, Live, playing

from hwlib import backprop, boxes, datasets, lad, mlp, softmax

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


def assert_shown(figure: Live, wanted: Mapping[str, float]) -> None:
    """These numbers are on show, and no others."""
    found = figure.numbers()
    assert found.keys() == wanted.keys()
    off = {
        name: (found[name], wanted[name])
        for name in wanted
        if not abs(found[name] - wanted[name]) <= TOLERANCE
    }
    assert off == {}


def line(x: np.ndarray, y: np.ndarray, w: np.ndarray, name: str) -> dict[str, float]:
    r = y - w[0] - w[1] * x
    return {
        f"{name}-intercept": w[0],
        f"{name}-slope": w[1],
        f"{name}-loss": np.abs(r).sum(),
        f"{name}-squares": r @ r,
    }


# ---- ℓ1 against ℓ2 ----------------------------------------------------------------------------

live_lad = live("lad")


def lad_numbers(x: np.ndarray, y: np.ndarray, point: int) -> dict[str, float]:
    X = np.column_stack([np.ones(len(x)), x])
    fit, squares = lad.fit(X, y), np.linalg.lstsq(X, y)[0]
    assert fit.unique
    s = 2 * fit.dual
    carriers = np.argsort(np.abs(y - X @ fit.coef))[:2]
    return {
        "point": point,
        "x": x[point - 1],
        "y": y[point - 1],
        **line(x, y, fit.coef, "l1"),
        **line(x, y, squares, "ls"),
        **{f"s{i + 1}": s[i] for i in carriers},
        **{f"carrier{k + 1}": i + 1 for k, i in enumerate(sorted(carriers))},
        "bound": y @ s,
        "loss": 2 * fit.objective,
        "gap": 0.0,
    }


def place_points(figure: Live, x: np.ndarray, y: np.ndarray) -> None:
    triples = zip(range(1, len(x) + 1), x, y, strict=True)
    figure.enter(*(pair for i, a, b in triples for pair in (("point", i), ("x", a), ("y", b))))


def points_of(figure: Live) -> tuple[np.ndarray, np.ndarray]:
    """All points, by going through them."""
    found = []
    for i in range(1, 31):
        figure.enter(point=i)
        now = figure.numbers()
        found.append((now["x"], now["y"]))
    x, y = np.array(found).T
    return x, y


def test_lad_random_points(live_lad: Live, rng: np.random.Generator) -> None:
    for _ in range(ROUNDS // 3):
        x, y = rng.uniform(0, 10, 30).round(4), rng.uniform(-2, 12, 30).round(4)
        place_points(live_lad, x, y)
        assert_shown(live_lad, lad_numbers(x, y, 30))


def test_lad_dragged_and_moved_by_keys(live_lad: Live, rng: np.random.Generator) -> None:
    x, y = rng.uniform(1, 9, 30).round(4), rng.uniform(0, 10, 30).round(4)
    place_points(live_lad, x, y)
    for i in rng.choice(30, DRAGS, replace=False):
        mark = live_lad.box.locator(f'[aria-label="point {i + 1}"]')
        before = live_lad.numbers()
        mark.focus()
        live_lad.page.keyboard.press("Shift+ArrowUp")
        live_lad.page.keyboard.press("ArrowLeft")
        live_lad.drag(mark, *rng.uniform(-30, 30, 2))
        now = live_lad.numbers()
        assert now["point"] == i + 1
        assert (now["x"], now["y"]) != (before["x"], before["y"])
        x[i], y[i] = now["x"], now["y"]
        assert_shown(live_lad, lad_numbers(x, y, i + 1))
    assert [points.tolist() for points in points_of(live_lad)] == [x.tolist(), y.tolist()]


def test_lad_ties_have_the_middle_of_all_best_lines(
    live_lad: Live, rng: np.random.Generator
) -> None:
    for _ in range(ROUNDS // 3):
        x, y = rng.integers(0, 4, 30).astype(float), rng.integers(0, 4, 30).astype(float)
        place_points(live_lad, x, y)
        now, fit = live_lad.numbers(), lad.fit(np.column_stack([np.ones(30), x]), y)
        assert now["loss"] == pytest.approx(2 * fit.objective, abs=TOLERANCE)
        assert abs(now["gap"]) <= TOLERANCE
        assert all(abs(s) <= 1 for name, s in now.items() if re.fullmatch(r"s\d+", name))
        assert (now["l1-intercept"], now["l1-slope"]) == pytest.approx(fit.coef, abs=TOLERANCE)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_lad_equal_points_and_equal_features(
    spread: float, live_lad: Live, rng: np.random.Generator
) -> None:
    y = 5 + spread * rng.uniform(-1, 1, 30).round(3)
    place_points(live_lad, np.full(30, 4.0), y)
    now = live_lad.numbers()
    assert "any slope would do" in live_lad.words()
    assert (now["l1-slope"], now["ls-slope"]) == (0, 0)
    assert now["l1-intercept"] == pytest.approx(np.median(y), abs=TOLERANCE)
    assert now["ls-intercept"] == pytest.approx(y.mean(), abs=TOLERANCE)
    assert abs(now["gap"]) <= TOLERANCE
    assert live_lad.box.locator("path.line.first[d]").count() == 2
    live_lad.box.get_by_role("button").click()
    assert "any slope" not in live_lad.words()


@pytest.mark.parametrize("seed", [102, 251, 264])
def test_lad_lines_of_nearly_equal_loss(seed: int, live_lad: Live) -> None:
    """Between two of them no line is best, and none of their certificates holds there."""
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 5, (2, 30)) + 1e-4 * rng.integers(0, 2, (2, 30))).round(4)
    place_points(live_lad, x, y)
    now, fit = live_lad.numbers(), lad.fit(np.column_stack([np.ones(30), x]), y)
    assert now["loss"] == pytest.approx(2 * fit.objective, abs=TOLERANCE)
    assert abs(now["gap"]) <= TOLERANCE


def test_lad_nearly_equal_features(live_lad: Live, rng: np.random.Generator) -> None:
    y = rng.uniform(-2, 12, 30).round(4)
    place_points(live_lad, np.append(np.full(29, 4.0), 4.0001), y)
    now = live_lad.numbers()
    assert now["bound"] == pytest.approx(now["loss"], abs=TOLERANCE)
    live_lad.enter(x="4.0000001")  # four decimals count
    assert live_lad.numbers()["x"] == 4
    assert "any slope would do" in live_lad.words()


# ---- Box sums ---------------------------------------------------------------------------------

live_boxes = live("boxes")
B = 2.0


def boxes_numbers(values: np.ndarray, N: int, x: float) -> dict[str, float]:
    grid = np.linspace(-B, B, len(values))

    def f(at: np.ndarray) -> np.ndarray:
        return np.interp(at, grid, values)

    network = boxes.box_sum(f, B, N)
    edges = np.linspace(-B, B, N + 1)
    near = np.concatenate([grid, edges, edges - 1e-9, edges + 1e-9])
    near = near[np.abs(near) <= B]
    slope = np.abs(np.diff(values)).max() * (len(values) - 1) / (2 * B)
    return {
        "N": N,
        "x": x,
        "boxes": N,
        "neurons": network.neurons,
        "error": np.abs(network(near) - f(near)).max(),
        "L": slope,
        "bound": boxes.error_bound(slope, B, N),
        "fired": int((x + network.biases > 0).sum()),
        "output": network(x),
        "f": float(f(x)),
    }


def given_to(figure: Live) -> dict[str, Any]:
    """What the chapter's cell gave to a figure's script."""
    text = figure.page.locator(f'.hw-live-given[data-figure="{figure.name}"]').text_content()
    return dict(json.loads(text or ""))


def test_boxes_of_each_function(live_boxes: Live, rng: np.random.Generator) -> None:
    for function in given_to(live_boxes)["functions"]:
        live_boxes.box.locator("select").select_option(function["name"])
        for _ in range(ROUNDS // 4):
            N, x = int(rng.integers(1, 101)), round(rng.uniform(-B, B), 4)
            live_boxes.enter(N=N, x=x)
            assert_shown(live_boxes, boxes_numbers(np.array(function["values"]), N, x))


@pytest.mark.parametrize("x", [-2.0, -1.0, 0.0, 2.0])
def test_boxes_at_edges(x: float, live_boxes: Live) -> None:
    wave = given_to(live_boxes)["functions"][0]
    live_boxes.box.locator("select").select_option(wave["name"])
    live_boxes.enter(N=4, x=x)
    assert_shown(live_boxes, boxes_numbers(np.array(wave["values"]), 4, x))


def test_boxes_of_a_drawing(live_boxes: Live, rng: np.random.Generator) -> None:
    live_boxes.box.locator("select").select_option("own")
    live_boxes.enter(N=7, x=0.3)
    assert_shown(live_boxes, boxes_numbers(np.zeros(33), 7, 0.3))  # nothing is drawn yet
    knot = live_boxes.box.locator("rect.handle")
    knot.focus()
    values, at = np.zeros(33), 16
    for _ in range(DRAGS):
        right, up = int(rng.integers(-5, 6)), int(rng.integers(1, 6))
        for key, times in (
            ("ArrowRight" if right > 0 else "ArrowLeft", abs(right)),
            ("ArrowUp", up),
        ):
            for _ in range(times):
                live_boxes.page.keyboard.press(key)
        at += right
        values[at] = min(2, values[at] + 0.1 * up)
        assert_shown(live_boxes, boxes_numbers(values, 7, 0.3))
    live_boxes.box.get_by_role("button", name="Erase").click()
    assert_shown(live_boxes, boxes_numbers(np.zeros(33), 7, 0.3))


def test_boxes_drawn_by_pointer(live_boxes: Live) -> None:
    live_boxes.box.locator("select").select_option("own")
    field = live_boxes.box.locator("rect.field")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    live_boxes.page.mouse.move(box["x"] + 1, middle - 60)
    live_boxes.page.mouse.down()
    live_boxes.page.mouse.move(box["x"] + box["width"] - 1, middle - 60, steps=3)
    live_boxes.page.mouse.up()
    live_boxes.enter(N=5, x=0)
    height = live_boxes.numbers()["f"]
    assert height > 0.3
    assert_shown(live_boxes, boxes_numbers(np.full(33, height), 5, 0))


# ---- The curse --------------------------------------------------------------------------------

live_curse = live("curse")


def magnitude(value: int) -> str:
    if value < 10**10:
        return f"{value:,}"
    with localcontext(rounding=ROUND_HALF_UP):
        lead, power = f"{Decimal(value):.1e}".split("e+")
    ten = "10" + power.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return ten if value == 10 ** int(power) else f"{lead}\xa0·\xa0{ten}"


def curse_numbers(d: int, error: float, things: list[list[str]]) -> dict[str, int | float]:
    N = boxes.boxes_needed(error, lipschitz=1.0, bound=1.0)
    counts = boxes.grid_counts(N, d)
    size = 8 * counts.nonzero
    below = [int(thing) for _, thing in things if int(thing) <= size]
    return {
        "N": N,
        "boxes": N**d,
        "neurons": counts.neurons,
        "parameters": counts.nonzero,
        "bytes": size,
        "ladder": size,
        **{f"thing-{k}": int(thing) for k, (_, thing) in enumerate(things)},
        **({"times": size // below[-1]} if below else {}),
    }


def test_curse_to_the_last_digit(live_curse: Live, rng: np.random.Generator) -> None:
    things = given_to(live_curse)["things"]
    cases = [(1, 1.0), (784, 0.001), (784, 1.0), (1, 0.001), (3, 0.3)]
    for _ in range(ROUNDS):
        cases.append((int(rng.integers(1, 785)), float(f"{10 ** rng.uniform(-3, 0):.5g}")))
    for d, error in cases:
        live_curse.enter(d=d, error=error)
        shown = live_curse.shown()
        assert (float(shown.pop("d")[0]), float(shown.pop("error")[0])) == (d, error)
        wanted = curse_numbers(d, error, things)
        assert {name: int(value) for name, (value, _) in shown.items()} == wanted
        assert {name: text for name, (_, text) in shown.items()} == {
            name: magnitude(value) for name, value in wanted.items()
        }


def test_curse_ladder_is_in_order(live_curse: Live) -> None:
    for d in (1, 2, 5, 9, 40):
        live_curse.enter(d=d, error=0.01)
        sizes = live_curse.box.locator("td [data-name]").evaluate_all(
            "all => all.map(one => one.dataset.value)"
        )
        assert sorted(map(int, sizes)) == list(map(int, sizes))


def test_curse_slides_through_its_values(live_curse: Live) -> None:
    live_curse.enter(d=1, error=1)
    live_curse.slider("d").focus()
    for d in (2, 3, 4):
        live_curse.page.keyboard.press("ArrowRight")
        assert live_curse.numbers()["d"] == d
    live_curse.slider("error").focus()
    live_curse.page.keyboard.press("ArrowLeft")
    assert (live_curse.numbers()["error"], live_curse.numbers()["N"]) == (0.5, 2)


def test_curse_has_no_dimension_0(live_curse: Live) -> None:
    live_curse.enter(d=0, error=0)
    now = live_curse.numbers()
    assert (now["d"], now["error"]) == (1, 0.001)
    assert now["boxes"] == 1000


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


def test_softmax_moved_by_keys_stays_at_tenths(live_softmax: Live) -> None:
    live_softmax.enter(z1=2, z2=1, z3=0, T=1)
    handle = live_softmax.box.locator("circle.handle")
    for _ in range(7):
        handle.press("ArrowRight")
    assert live_softmax.shown()["z2"] == ("1.7", "1.7")


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


# ---- Back-propagation -------------------------------------------------------------------------

live_backprop = live("backprop")
PARAMETERS = [
    "x1", "x2", *(f"W{k}{i}{j}" for k in (1, 2) for i in (1, 2) for j in (1, 2)),
    *(f"b{k}{i}" for k in (1, 2) for i in (1, 2)),
]  # fmt: skip
STEPS = [
    ("x", "W", "b"),
    ("z1",),
    ("a1",),
    ("z2",),
    ("p",),
    ("loss",),
    ("d2",),
    ("gW2",),
    ("d1",),
    ("gW1",),
]


def entries(name: str, values: np.ndarray) -> dict[str, float]:
    """The entries of a vector or a matrix, by the names that the figure has for them."""
    return {
        name + "".join(str(k + 1) for k in place): float(value)
        for place, value in np.ndenumerate(values)
    }


def backprop_numbers(given: dict[str, float], label: int) -> dict[str, float]:
    network = backprop.Network((2, 2, 2), "sigmoid")
    for k in (1, 2):
        W = np.array([[given[f"W{k}{i}{j}"] for j in (1, 2)] for i in (1, 2)])
        network.weights[k - 1][:] = W.T
        network.biases[k - 1][:] = [given[f"b{k}{i}"] for i in (1, 2)]
    x = np.array([given["x1"], given["x2"]])
    loss, ((dW1, db1), (dW2, db2)) = network.loss_and_gradients(x[None], [label])
    z1 = x @ network.weights[0] + network.biases[0]
    a1 = 1 / (1 + np.exp(-z1))
    z2 = a1 @ network.weights[1] + network.biases[1]
    return {
        **given, **entries("z1", z1), **entries("a1", a1), **entries("z2", z2),
        **entries("p", softmax.softmax(z2)), "loss": loss,
        **entries("d2", db2), **entries("gW2", dW2.T),
        **entries("d1", db1), **entries("gW1", dW1.T),
    }  # fmt: skip


def known(numbers: dict[str, float], step: int) -> dict[str, float]:
    kinds = [kind for made in STEPS[: step + 1] for kind in made]
    return {name: value for name, value in numbers.items() if name.startswith(tuple(kinds))}


def moves(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """How many derivatives moved by half a digit on show, and by how much the first of those."""
    by = {name: now[name] - before[name] for name in now if name[0] in "dg"}
    moved = [change for change in by.values() if abs(change) >= 5e-4]
    counts = {"moved": len(moved), "known": len(by)} if by else {}
    return {**counts, **({"most": max(moved, key=abs)} if moved else {})}


def set_parameter(figure: Live, name: str, value: float) -> None:
    figure.box.get_by_label("change").select_option(name)
    figure.enter(parameter=value)


def test_backprop_at_random_parameters(live_backprop: Live, rng: np.random.Generator) -> None:
    live_backprop.box.get_by_role("button", name="Start again").click()
    given = given_to(live_backprop)
    start = {**entries("x", np.array(given["x"]))}
    for k in (0, 1):
        start |= entries(f"W{k + 1}", np.array(given["W"][k]))
        start |= entries(f"b{k + 1}", np.array(given["b"][k]))
    before = backprop_numbers(start, given["y"])
    for _ in range(ROUNDS // 3):
        now = dict(zip(PARAMETERS, rng.uniform(-5, 5, len(PARAMETERS)).round(3), strict=True))
        label = int(rng.integers(2))
        for name, value in now.items():
            set_parameter(live_backprop, name, value)
        live_backprop.box.get_by_label("right class").select_option(index=label)
        wanted = backprop_numbers(now, label)
        for step in rng.choice(10, 3, replace=False):
            live_backprop.enter(step=step)
            shown = known(wanted, int(step))
            controls = {"step": step, "parameter": now[PARAMETERS[-1]]}
            # Where two derivatives moved alike, either may be named: the size is the same.
            numbers, expected = live_backprop.numbers(), moves(shown, before)
            assert abs(numbers.pop("most", 0)) == pytest.approx(abs(expected.pop("most", 0)))
            assert numbers == pytest.approx({**shown, **controls, **expected}, abs=TOLERANCE)


def test_backprop_steps_by_buttons_and_keeps_the_focus(live_backprop: Live) -> None:
    live_backprop.enter(step=8)
    on = live_backprop.box.get_by_role("button", name="One step on")
    on.focus()
    for step in (9, 9):
        live_backprop.page.keyboard.press("Enter")
        assert live_backprop.numbers()["step"] == step
        assert on.evaluate("button => button === document.activeElement")
    back = live_backprop.box.get_by_role("button", name="One step back")
    for step in range(8, -1, -1):
        back.press("Space")
        shown = live_backprop.numbers()
        assert shown["step"] == step
        assert ("loss" in shown) == (step >= 5)


def test_backprop_names_each_number(live_backprop: Live) -> None:
    live_backprop.box.get_by_role("button", name="Start again").click()
    shown = live_backprop.shown()
    for name, title in (("W112", "W₁,₁₂"), ("gW112", "derivative in W₁,₁₂"), ("d21", "δ₂,₁")):
        number = live_backprop.box.get_by_role("img", name=f"{title} {shown[name][1]}", exact=True)
        assert number.count() == 1
    assert live_backprop.box.locator("svg text:not([aria-label], [aria-hidden])").count() == 0


def test_backprop_compares_with_what_was_kept(live_backprop: Live) -> None:
    live_backprop.box.get_by_role("button", name="Start again").click()
    assert live_backprop.numbers()["moved"] == 0
    set_parameter(live_backprop, "b21", 3)
    assert live_backprop.numbers()["moved"] > 0
    assert live_backprop.box.locator("text.moved").count() == live_backprop.numbers()["moved"]
    live_backprop.box.get_by_role("button", name="Compare").click()
    assert live_backprop.numbers()["moved"] == 0


# ---- The trained network ----------------------------------------------------------------------

live_fashion = live("fashion")
PIXELS = """canvas => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...data].filter((_, i) => i % 4 === 0);
}"""


@dataclass(frozen=True)
class Shipped:
    """What the site ships: the network, in float64, and its pictures."""

    network: Any
    pictures: np.ndarray
    names: list[str]


@pytest.fixture(scope="module")
def shipped(site: Path, live_fashion: Live) -> Shipped:
    """The part as the script in the page reads it, from its description in the chapter."""
    given = given_to(live_fashion)
    text = (site / "live/fashion.js").read_text(encoding="utf-8")
    packed = base64.b64decode(re.findall(r'"([^"]*)"', text)[1])
    sizes, side = given["sizes"], given["side"]
    rows, weights = sum(sizes[1:]), sum(m * n for m, n in pairwise(sizes))
    assert (
        len(packed) == given["partBytes"] == 8 * rows + weights + side**2 * len(given["pictures"])
    )
    steps, biases = np.frombuffer(packed, "<f4", 2 * rows).reshape(2, rows)
    counts = np.frombuffer(packed, np.int8, weights, 8 * rows)
    network = mlp.build(sizes).double()
    row = weight = 0
    with torch.no_grad():
        for layer, (n_in, n_out) in zip(network[::2], pairwise(sizes), strict=True):
            count = counts[weight : weight + n_in * n_out].reshape(n_out, n_in)
            step = steps[row : row + n_out, None].astype(float)
            layer.weight[:] = torch.from_numpy(count * step)
            layer.bias[:] = torch.tensor(biases[row : row + n_out])
            row, weight = row + n_out, weight + n_in * n_out
    pictures = np.frombuffer(packed, np.uint8, offset=8 * rows + weights)
    names = [picture["name"] for picture in given["pictures"]]
    return Shipped(network, pictures.reshape(-1, side, side), names)


def fashion_numbers(shipped: Shipped, picture: np.ndarray) -> dict[str, float]:
    p = mlp.predict_proba(shipped.network, picture[None])[0]
    with torch.no_grad():
        hidden = torch.relu(shipped.network[0](torch.from_numpy(picture.ravel() / 255))).numpy()
    return {
        **entries("p", p),
        **entries("h", hidden),
        "probability": p.max(),
        "units": len(hidden),
        "active": (hidden > 0).sum(),
        "strongest": hidden.max(),
    }


def assert_answers(figure: Live, shipped: Shipped) -> np.ndarray:
    """All numbers are those of the picture on show, which is returned."""
    side = shipped.pictures.shape[1]
    picture = np.array(figure.box.locator("canvas").evaluate(PIXELS), np.uint8).reshape(side, side)
    numbers = figure.numbers()
    controls = {
        name: numbers[name] for name in ("brush", "row", "column", "level") if name in numbers
    }
    if "level" in controls:
        row, column = int(controls["row"]), int(controls["column"])
        assert controls["level"] == picture[row - 1, column - 1]
    assert_shown(figure, {**fashion_numbers(shipped, picture), **controls})
    return picture


def test_fashion_ships_test_pictures(shipped: Shipped) -> None:
    data = datasets.load("fashion-mnist")
    known = {image.tobytes() for image in data.test_images}
    assert all(picture.tobytes() in known for picture in shipped.pictures)


def test_fashion_answers_to_each_picture(live_fashion: Live, shipped: Shipped) -> None:
    select = live_fashion.box.get_by_label("picture", exact=True)
    for picture, name in zip(shipped.pictures, shipped.names, strict=True):
        select.select_option(label=name)
        assert (assert_answers(live_fashion, shipped) == picture).all()


def test_fashion_answers_to_an_empty_picture(live_fashion: Live, shipped: Shipped) -> None:
    live_fashion.box.get_by_role("button", name="Empty").click()
    assert not assert_answers(live_fashion, shipped).any()
    assert "the picture was one of" not in live_fashion.words()


@pytest.mark.parametrize("tool", ["erases", "draws"])
def test_fashion_answers_to_strokes(
    tool: str, live_fashion: Live, shipped: Shipped, rng: np.random.Generator
) -> None:
    live_fashion.box.get_by_label("picture", exact=True).select_option(index=3)
    live_fashion.box.get_by_label("brush", exact=True).select_option(label=tool)
    canvas = live_fashion.box.locator("canvas")
    before = assert_answers(live_fashion, shipped)
    for width in (1, 2, 5):
        live_fashion.enter(brush=width)
        live_fashion.drag(canvas, *rng.uniform(-90, 90, 2))
        after = assert_answers(live_fashion, shipped)
        changed = after != before
        assert changed.any()
        assert set(after[changed]) == {0 if tool == "erases" else 255}
        before = after


def test_fashion_is_drawn_by_keys(live_fashion: Live, shipped: Shipped) -> None:
    live_fashion.box.get_by_role("button", name="Empty").click()
    live_fashion.box.get_by_label("brush", exact=True).select_option(label="draws")
    live_fashion.enter(brush=1)
    canvas = live_fashion.box.locator("canvas")
    canvas.focus()
    for _ in range(3):
        canvas.press("Shift+ArrowUp")
        canvas.press("Shift+ArrowLeft")
    for key in ("Space", "ArrowRight", "ArrowDown", "Space"):
        canvas.press(key)
    picture = assert_answers(live_fashion, shipped)
    assert np.argwhere(picture).tolist() == [[0, 0], [1, 1]]
    assert (live_fashion.numbers()["row"], live_fashion.numbers()["column"]) == (2, 2)


def test_fashion_loads_only_on_request(browser: Browser, site: Path) -> None:
    viewer = Viewer(browser, "light", 1280)
    seen = viewer.open((site / PAGES["fashion"]).as_uri())
    box = viewer.page.locator('.hw-live[data-figure="fashion"]')
    assert not any(
        url.endswith("live/fashion.js") and "_static" not in url for url in seen.requests
    )
    expect(
        viewer.page.locator('figure:has([data-figure="fashion"]) .hw-figure svg')
    ).to_be_visible()
    box.get_by_role("button").click()
    expect(box.locator("canvas")).to_be_focused()
    assert any(url.endswith("html/live/fashion.js") for url in seen.requests)
    viewer.page.context.close()


def test_fashion_says_so_where_its_network_is_missing(browser: Browser, site: Path) -> None:
    viewer = Viewer(browser, "light", 1280)
    viewer.page.route("**/html/live/fashion.js", lambda route: route.abort())
    viewer.open((site / PAGES["fashion"]).as_uri())
    box = viewer.page.locator('.hw-live[data-figure="fashion"]')
    box.get_by_role("button").click()
    expect(box.get_by_role("status")).to_contain_text("could not be loaded")
    viewer.page.context.close()
