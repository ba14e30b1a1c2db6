"""Claims hold, fail and refuse as they say, in plain Python and in a notebook's kernel."""

from __future__ import annotations

import html
import json
import math
import re
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hwlib import _benchmarks
from hwlib.claims import Claim, ClaimError, benchmark, claim, published, record

HERE = SimpleNamespace(name="mnist", requested="mnist")
STANDS_IN = SimpleNamespace(name="digits", requested="mnist")
ORIGIN = {
    "machine": "abacus",
    "date": "2026-01-01",
    "command": "python benchmarks/speed.py --beads 7",
    "versions": {"python": "3.11.7"},
}


def exact(value, bound, **options):
    claim("a-name", "A sentence.", value, "==", bound, kind="exact", **options)


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would show, and the records that it would carry."""
    shown = []

    def display(bundle, *, raw):
        assert raw
        shown.append(bundle)

    shell = SimpleNamespace(kernel=object())
    notebook = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return shown


def carried(bundle):
    return json.loads(html.unescape(re.search(r'data-hwlib="([^"]*)"', bundle["text/html"])[1]))


@pytest.mark.parametrize(
    ("value", "bound"),
    [(3, 3), (3.0, 3), ("Shirt", "Shirt"), ((2, 3), (2, 3)), ([1, 2], np.array([1.0, 2.0]))],
)
def test_equal_things_hold(value, bound, capsys):
    exact(value, bound)
    assert capsys.readouterr().out.startswith("✓ A sentence. [")


@pytest.mark.parametrize(
    ("value", "bound"),
    [(3, 4), ("Shirt", "Coat"), ([1, 2], [1, 3]), ([1, 2], [1, 2, 3]), (math.nan, math.nan)],
)
def test_unequal_things_fail(value, bound):
    with pytest.raises(ClaimError, match=r"'a-name' is false: A sentence\."):
        exact(value, bound)


@pytest.mark.parametrize(
    ("value", "relation", "bound", "holds"),
    [
        (1.0, "<=", 1.0, True),
        (1.0, "<", 1.0, False),
        (1.0, ">=", 1.0, True),
        (1.0, ">", 1.0, False),
        (np.float32(2.0), ">", 1, True),
        (torch.tensor(2.0), ">", np.array([1]), True),
        (math.nan, "<=", 1.0, False),
        (math.nan, ">=", 1.0, False),
        (1.0, "<=", math.nan, False),
        (math.inf, "<=", 1.0, False),
    ],
)
def test_inequalities(value, relation, bound, holds):
    def state():
        claim("a-name", "A sentence.", value, relation, bound, kind="observed", because="chosen")

    if holds:
        state()
    else:
        with pytest.raises(ClaimError):
            state()


def test_a_false_claim_names_itself_the_value_and_the_bound():
    with pytest.raises(ClaimError) as caught:
        claim(
            *("too-big", "It is small.", 0.25, "<=", 0.125),
            kind="rounding",
            because="two roundings",
        )
    for part in ("too-big", "It is small.", "0.25", "<= 0.125", "rounding"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("value", "relation", "bound", "parts"),
    [
        (0.1 + 0.2, "==", 0.3, ["0.30000000000000004", "0.3"]),
        (np.arange(20), "==", np.r_[:19, 5], ["1 of 20", "(19,)", "measured 19", "== 5"]),
        ([1, 2], "==", [1, 2, 3], ["[1, 2]", "[1, 2, 3]"]),
        (torch.arange(3), "==", torch.zeros(3), ["2 of 3", "(1,)"]),
        ("Coat", "==", "Shirt", ["'Coat'", "'Shirt'"]),
        (1.0000001, "<=", 1, ["1.0000001", "<= 1.0"]),
    ],
)
def test_a_false_claim_says_exactly_what_differs(value, relation, bound, parts):
    kind = {"kind": "exact"} if relation == "==" else {"kind": "observed", "because": "chosen"}
    with pytest.raises(ClaimError) as caught:
        claim("a-name", "A sentence.", value, relation, bound, fmt="", **kind)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("value", "bound"), [("3", 4), (3, "4"), ([1, 2], 3), (1j, 3), (torch.ones(2), 3)]
)
def test_an_inequality_is_between_single_real_numbers(value, bound):
    with pytest.raises(ValueError, match="not a single real number"):
        claim("a-name", "A sentence.", value, "<=", bound, kind="observed", because="chosen")


@pytest.mark.parametrize(
    ("value", "bound", "margin"),
    [(0.8, 0.6, 0.25), (1e-16, -1e-20, 1.0001), (0.5, 0, 1), (0, 0, 0), (math.inf, 1, None)],
)
def test_margin_is_the_share_of_the_larger(value, bound, margin, displayed):
    claim("a-name", "A sentence.", value, ">=", bound, kind="observed", because="chosen")
    assert carried(displayed[0])["margin"] == pytest.approx(margin)


@pytest.mark.parametrize(
    ("value", "fmt", "shown"),
    [
        (3, "", "3"),
        (60_000, "", "60,000"),
        (True, "", "True"),
        (np.int64(60_000), "", "60,000"),
        (np.float32(0.5), "", "0.5"),
        (1 / 3, "", "0.333"),
        (1 / 3, ".1%", "33.3%"),
        ("Shirt", "", "Shirt"),
        ((5, 5), "", "(5, 5)"),
        (np.array([1.5, 2.5]), "", "(1.5, 2.5)"),
        (np.array(7), "", "7"),
        ([[1] * 10] * 2, "", "20 values"),
        (np.zeros(100), "", "100 values"),
    ],
)
def test_values_are_shown_as_one_reads_them(value, fmt, shown, displayed):
    exact(value, value, fmt=fmt)
    assert carried(displayed[0])["value"] == shown


def test_a_claim_carries_its_own_record(displayed):
    claim(
        *("x-small", "It is <small> & $x < y$.", 0.5, "<", 0.75),
        kind="statistical",
        confidence=0.95,
        equation="eq-x",
        data=HERE,
        fmt=".1%",
    )
    record_ = carried(displayed[0])
    assert record_ == {
        "sort": "claim",
        "name": "x-small",
        "sentence": "It is <small> & $x < y$.",
        "kind": "statistical",
        "relation": "<",
        "value": "50.0%",
        "bound": "75.0%",
        "margin": pytest.approx(1 / 3),
        "status": "held",
        "because": "",
        "confidence": 0.95,
        "data": "mnist",
        "equation": "eq-x",
    }
    markup = displayed[0]["text/html"]
    assert 'id="claim-x-small"' in markup
    assert "It is &lt;small&gt; &amp; \\(x &lt; y\\)." in markup
    assert displayed[0]["text/plain"].startswith("✓ It is <small>")


@pytest.mark.parametrize("value", [0.5, 2.0])
def test_without_its_data_a_claim_is_not_checked(value, displayed):
    claim(
        *("a-name", "A sentence.", value, "<=", 1.0),
        kind="observed",
        because="chosen",
        data=STANDS_IN,
    )
    assert carried(displayed[0])["status"] == "not checked"
    assert "mnist is not here" in displayed[0]["text/html"]


@pytest.mark.parametrize(
    ("relation", "status", "shown"),
    [
        ("==", "held", "3"),
        ("==", "not checked", "3"),
        ("==", "false", "3, not 4"),
        ("<=", "held", "3 ≤ 4"),
        ("<=", "not checked", "3 ≤ 4"),
        ("<=", "false", "3 is not ≤ 4"),
    ],
)
def test_value_and_bound_in_one_expression(relation, status, shown):
    stated = Claim("x", "A sentence.", "exact", relation, "3", "4", None, status)
    assert stated.comparison == shown


def test_a_false_claim_is_shown_before_it_stops(displayed):
    with pytest.raises(ClaimError):
        exact(1, 2)
    assert carried(displayed[0])["status"] == "false"
    assert "✗" in displayed[0]["text/plain"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "Not A Name"}, "not a name"),
        ({"sentence": "no full stop"}, "full stop"),
        ({"relation": "!="}, "relation"),
        ({"kind": "certain"}, "kind"),
        ({"relation": "=="}, "uses '=='"),
        ({"kind": "exact"}, "uses '=='"),
        ({"because": " "}, "because"),
        ({"kind": "rounding", "because": ""}, "because"),
        ({"kind": "statistical"}, "confidence"),
        ({"confidence": 0.9}, "confidence"),
        ({"kind": "statistical", "confidence": 95}, "not in \\(0, 1\\)"),
    ],
)
def test_a_badly_stated_claim_is_refused(change, complaint):
    good = {
        "name": "a-name",
        "sentence": "A sentence.",
        "value": 0.0,
        "relation": "<=",
        "bound": 1.0,
        "kind": "observed",
        "because": "chosen",
    }
    claim(**good)
    with pytest.raises(ValueError, match=complaint):
        claim(**good | change)


def test_record_carries_the_formatted_value(displayed):
    record("accuracy", np.float64(0.88888), ".1%")
    assert carried(displayed[0]) == {"sort": "record", "name": "accuracy", "value": "88.9%"}
    assert " hidden>" in displayed[0]["text/html"]


@pytest.mark.parametrize("value", [math.nan, math.inf, np.array([math.nan])])
def test_record_refuses_what_is_not_finite(value):
    with pytest.raises(ValueError, match="finite"):
        record("accuracy", value)


def test_published_from_the_literature(displayed):
    published("his-pi", "An upper bound of pi.", 22 / 7, source="Archimedes", fmt=".4f")
    assert carried(displayed[0])["value"] == "3.1429"
    assert "Archimedes" in displayed[0]["text/html"]
    assert "hw-claim--" not in displayed[0]["text/html"]


def test_published_from_a_benchmark(displayed, tmp_path, monkeypatch):
    results = ORIGIN | {"results": {"ratio": {"value": 3.5}}}
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "speed.json").write_text(json.dumps(results))
    monkeypatch.setattr(_benchmarks, "__file__", str(tmp_path / "src" / "hwlib" / "_benchmarks.py"))
    published("speed-ratio", "It is faster.", result="speed/ratio", fmt=".1f")
    assert carried(displayed[0])["value"] == "3.5"
    assert carried(displayed[0])["source"] == "abacus, 2026-01-01"
    with pytest.raises(KeyError, match="ratio"):
        published("speed-other", "It is faster.", result="speed/other")
    with pytest.raises(FileNotFoundError, match="make bench"):
        published("speed-none", "It is faster.", result="nothing/ratio")


def test_a_benchmark_is_a_mapping_with_its_origin(tmp_path, monkeypatch):
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    entries = {"ratio": {"value": 2, "unit": "", "what": "A ratio."}}
    (folder / "speed.json").write_text(json.dumps(ORIGIN | {"results": entries}))
    monkeypatch.setattr(_benchmarks, "__file__", str(tmp_path / "src" / "hwlib" / "_benchmarks.py"))
    found = benchmark("speed")
    assert dict(found) == {"ratio": 2.0}
    assert "ratio" in found
    assert "other" not in found
    assert len(found) == 1
    assert (found.name, found.source) == ("speed", "abacus, 2026-01-01")
    assert (found.command, found.versions) == (ORIGIN["command"], ORIGIN["versions"])
    with pytest.raises(KeyError, match="no result 'other', only"):
        found["other"]
    with pytest.raises(FrozenInstanceError):
        found.date = "2026-01-02"
    with pytest.raises(FileNotFoundError, match="make bench"):
        benchmark("nothing")


@pytest.mark.parametrize(
    "given", [{}, {"value": 1.0}, {"source": "me"}, {"value": 1.0, "source": "me", "result": "a/b"}]
)
def test_published_needs_one_origin(given):
    with pytest.raises(ValueError, match="value and source, or result"):
        published("a-name", "A sentence.", **given)
