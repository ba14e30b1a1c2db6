"""Which mutants are drawn, and which tests are asked about them (in ``make coverage``)."""

from __future__ import annotations

import textwrap
from collections import Counter

import pytest

pytest.importorskip("cosmic_ray", reason="it is in .venv-mutants only: make coverage")

from tests.mutants.sampling import mutants, sample
from tests.mutants.selection import statement

SOURCE = textwrap.dedent('''\
    """A module of 1 + 1 lines."""

    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        SIZE = 1 + 1


    def half(x: int | None = 3,
             y: int = 4) -> int | None:
        """Half of 2 * x."""
        if x is None: return None
        try:
            return (x
                    / 2)
        except ZeroDivisionError:
            return y
    ''')


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "halves").mkdir()
    (tmp_path / "halves/half.py").write_text(SOURCE)
    (tmp_path / "sums.py").write_text("def total(x, y):\n    return x + y + 1\n")
    return tmp_path


def applied(sources, module):
    source = (sources / module).read_text()
    drawn = [mutant.applied(source) for mutant in mutants(sources, module)]
    return [text for text in drawn if text is not None]


def test_annotations_docstrings_and_what_only_type_checkers_read_have_no_mutants(sources):
    for text in applied(sources, "halves/half.py"):
        assert "| None = " in text
        assert "-> int | None:" in text
        assert "SIZE = 1 + 1" in text


def test_what_is_no_arithmetic_and_what_checks_itself_have_no_mutants(sources):
    text = "def pairs(x, y, *, z=0):\n    return [*zip(x, y, strict=True), z]\n"
    (sources / "pairs.py").write_text(text)
    found = applied(sources, "pairs.py")
    assert found
    for mutated in found:
        assert "(x, y, *, z=" in mutated
        assert "strict=True" in mutated


def test_every_mutant_compiles_and_differs(sources):
    texts = applied(sources, "halves/half.py")
    assert len(texts) > 10
    assert len(set(texts)) == len(texts)
    for text in texts:
        compile(text, "mutant", "exec")
        assert text != SOURCE


def test_a_sample_has_its_size_one_mutant_a_place_and_depends_on_the_seed(sources):
    candidates = [one for name in ("halves/half.py", "sums.py") for one in mutants(sources, name)]
    drawn = sample(candidates, sources, 5, seed=1)
    assert len(drawn) == 5
    assert len({one.place for one in drawn}) == 5
    assert drawn == sample(candidates, sources, 5, seed=1)
    assert any(drawn != sample(candidates, sources, 5, seed) for seed in range(2, 6))


def test_a_stratum_has_its_share(sources):
    (sources / "sums.py").write_text("x = " + " + ".join("a" * 41) + " + 1" * 10 + "\n")
    drawn = sample(mutants(sources, "sums.py"), sources, 12, seed=0)
    assert Counter(one.family for one in drawn) == {"arithmetic": 10, "number": 2}


@pytest.mark.parametrize(
    ("line", "lines", "called"),
    [
        (3, [3], False),
        (9, [9, 10], False),  # a default value belongs to no call
        (12, [12], True),
        (14, [14, 15], True),
        (15, [14, 15], True),  # the first line stands for its statement
        (16, [16], True),
        (17, [17], True),
    ],
)
def test_a_statement_is_all_of_its_lines_but_not_its_body(line, lines, called):
    found, inside = statement(SOURCE, line)
    assert list(found) == lines
    assert inside == called


def test_what_a_call_runs_may_stand_in_a_table():
    table = "TABLE = (\n    (1,\n     lambda x:\n         x + 1),\n    2,\n)\n"
    called = [line for line in range(1, 7) if statement(table, line)[1]]
    assert called == [3, 4]
    assert list(statement(table, 4)[0]) == [3, 4]
