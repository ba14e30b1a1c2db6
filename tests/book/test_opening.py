"""The line above a chapter: its problem, its reading time, its number of claims."""

from __future__ import annotations

import pytest
from docutils import nodes
from docutils.utils import new_document
from hwbook.opening import reading_minutes, set_opening


def page(*children: nodes.Node) -> nodes.document:
    document = new_document("page")
    document += children
    return document


def words(count: int) -> nodes.paragraph:
    return nodes.paragraph("", "word " * count)


def code(lines: int) -> nodes.literal_block:
    text = "x = 1\n" * lines
    return nodes.literal_block(text, text)


def test_a_page_is_read_word_by_word_line_by_line_formula_by_formula() -> None:
    formulas = [nodes.math_block("x", "x") for _ in range(20)]
    assert reading_minutes(page(words(2000))) == 10
    assert reading_minutes(page(words(2000), code(200))) == 20
    assert reading_minutes(page(words(2000), code(200), *formulas)) == 25


def test_nobody_reads_less_than_five_minutes() -> None:
    assert reading_minutes(page(words(3))) == 5


@pytest.mark.parametrize("hidden", ["solution", "tag_hide-input", "tag_remove-input"])
def test_what_is_folded_away_takes_no_time(hidden: str) -> None:
    folded = nodes.container("", words(9000), code(900), classes=[hidden])
    assert reading_minutes(page(words(2000), folded)) == 10


def test_an_opening_becomes_a_line_of_facts_and_a_lead() -> None:
    italics = nodes.emphasis("", "", nodes.Text("Problem 1, 2 points.\nYou will be able to prove "))
    italics += nodes.literal("", "it")
    document = page(nodes.title("", "A page"), nodes.paragraph("", "", italics))
    set_opening(document)
    facts, lead = document.findall(nodes.paragraph)
    assert facts["classes"] == ["hw-facts"]
    assert facts.astext() == "Problem 1, 2 points · 5 minutes to read"
    assert lead["classes"] == ["hw-lead"]
    assert lead.astext() == "You will be able to prove it"
    assert not list(document.findall(nodes.emphasis))


def test_a_page_without_an_opening_stays_as_it_is() -> None:
    for paragraph in (
        words(5),
        nodes.paragraph("", "", nodes.emphasis("", "It"), nodes.Text(" is")),
    ):
        document = page(paragraph)
        before = document.pformat()
        set_opening(document)
        assert document.pformat() == before
