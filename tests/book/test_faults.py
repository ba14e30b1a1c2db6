"""Every claim of the book can fail: faults are planted, and claims turn red."""

from __future__ import annotations

import json
import random

import pytest
from tests.book import plant

FAULTS = plant.load()
SAMPLE = 2  # planted in each run; `make faults` plants them all


def fault(**changes):
    given = {"about": "x", "page": "p", "file": "f.py", "old": "1", "new": "2", "claims": ("a",)}
    return plant.Fault(**given | changes)


@pytest.fixture(scope="module")
def claims(site):
    ledger = json.loads((site / "claims.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in ledger}


@pytest.mark.site
def test_every_claim_is_named_by_a_fault_and_every_name_is_a_claim(claims):
    assert plant.unnamed(set(claims), FAULTS) == set()
    assert plant.unknown(set(claims), FAULTS) == set()


@pytest.mark.site
def test_every_claim_was_checked(claims):
    assert [name for name, entry in claims.items() if entry["status"] != "held"] == []


def test_a_claim_that_no_fault_names_is_found():
    assert plant.unnamed({"a", "b"}, [fault()]) == {"b"}


def test_a_fault_that_names_no_claim_is_found():
    assert plant.unknown({"a"}, [fault(claims=("a", "c"))]) == {"c"}


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.about)
def test_each_fault_has_its_place(planted):
    assert plant.misplaced(planted) is None
    assert planted.old != planted.new


def test_a_misplaced_fault_is_found(tmp_path):
    (tmp_path / "f.py").write_text("x = 1\ny = 1\n")
    assert "2 times" in plant.misplaced(fault(), tmp_path)
    assert "0 times" in plant.misplaced(fault(old="3"), tmp_path)


def test_claims_are_gathered_and_a_missed_one_is_reported(tmp_path):
    cells = (
        "# Page\n\n```{code-cell} python\nfrom hwlib.claims import claim\nx = 1\n"
        'claim("a", "One.", x, "==", 1, kind="exact")\n'
        'claim("b", "One.", 1, "==", 1, kind="exact")\n```\n\n'
        '```{code-cell} python\nassert x == 1, "crash"\n'
        'claim("c", "One.", x, "==", 1, kind="exact")\n```\n'
    )
    (tmp_path / "book").mkdir()
    (tmp_path / "book/p.md").write_text(
        "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n" + cells
    )
    (tmp_path / "src").symlink_to(plant.ROOT / "src")
    assert plant.statuses("p", root=tmp_path) == {"a": "held", "b": "held", "c": "held"}
    planted = fault(file="book/p.md", old="x = 1\n", new="x = 2\n", claims=("a", "b", "c"))
    assert plant.missed(planted, tmp_path) == {"b": "held", "c": "AssertionError: crash"}


@pytest.mark.site
@pytest.mark.parametrize(
    "planted", random.SystemRandom().sample(FAULTS, SAMPLE), ids=lambda planted: planted.about
)
def test_a_planted_fault_turns_its_claims_red(planted):
    assert plant.missed(planted) == {}, planted.about
