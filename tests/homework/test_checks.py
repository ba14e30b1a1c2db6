"""The checks: right answers get all points, every known mistake its own feedback and fewer."""

from __future__ import annotations

import numpy as np
import pytest
from tests.homework.answers import RIGHT, SUBTLE, UNUSUAL, WRONG, digits, fashion

from hwlib.homework import _lad
from hwlib.homework._answer import Answer, Failed
from hwlib.homework._check import examine
from hwlib.homework._problem import alike
from hwlib.homework._problems import PROBLEMS, find, keys
from hwlib.softmax import softmax


@pytest.fixture(scope="module", autouse=True)
def _trained():
    """Networks that are trained before the clock of a check runs."""
    fashion()
    digits()


MISTAKES = [(key, mistake) for key in keys() for mistake in find(key).mistakes]


@pytest.mark.parametrize("key", list(keys()))
@pytest.mark.parametrize("_", range(3))  # inputs are drawn anew
def test_a_right_answer_gets_all_points(key, _):
    report = examine(find(key), RIGHT[key])
    assert report.earned == report.points == find(key).points, report.text()


@pytest.mark.parametrize(
    ("key", "mistake"), [pytest.param(k, m, id=f"{k}-{m.name}") for k, m in MISTAKES]
)
@pytest.mark.parametrize("_", range(2))
def test_a_known_mistake_gets_its_own_feedback_and_fewer_points(key, mistake, _):
    report = examine(find(key), WRONG[key, mistake.name])
    assert mistake.idea in report.text(), report.text()
    others = {m.idea for m in find(key).mistakes} - {mistake.idea}
    assert not [idea for idea in others if idea in report.text()]
    assert report.earned < report.points


@pytest.mark.parametrize(("key", "answer", "words"), SUBTLE)
@pytest.mark.parametrize("_", range(3))
def test_a_subtly_wrong_answer_does_not_get_all_points(key, answer, words, _):
    report = examine(find(key), answer)
    assert report.earned < report.points
    assert words in report.text()


def passes(key, answer, seed):
    """Whether an answer gets all points for the inputs of one seed."""
    check = find(key)
    try:
        for part in check.parts:
            part.test(Answer(check.function, answer), np.random.default_rng(seed))
    except Failed:
        return False
    return True


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("key", "answer"), [(key, answer) for key, answer, _ in SUBTLE if key in {"2c", "3a", "5b"}]
)
def test_no_draw_lets_a_subtly_wrong_answer_pass(key, answer, seed):
    assert not passes(key, answer, seed)


@pytest.mark.parametrize("seed", [12151, 12500, 13061])  # two of the large scores nearly agree
def test_large_scores_that_nearly_agree_may_be_rounded(seed):
    (answer,) = (answer for key, answer in UNUSUAL if key == "5b")  # in float32
    assert passes("5b", answer, seed)


def test_a_slope_of_zero_is_taken_for_a_mistake_at_an_optimum_only(monkeypatch):
    x = np.arange(7.0)
    X, y = np.column_stack([np.ones(7), x]), 9 - x
    monkeypatch.setattr(_lad, "_regression", lambda rng: (X, y))
    report = examine(find("1b"), WRONG["1b", "nonnegative"])  # w = (6, 0), and s rightly has a 0
    assert "without negative entries" in report.text()
    assert "You took 0" not in report.text()
    assert "s is not orthogonal" in report.text()


@pytest.mark.parametrize(("key", "answer"), UNUSUAL)
@pytest.mark.parametrize("_", range(3))
def test_a_right_answer_in_an_unusual_style_gets_all_points(key, answer, _):
    report = examine(find(key), answer)
    assert report.earned == report.points, report.text()


def test_every_mistake_of_the_tests_is_a_known_one():
    assert set(WRONG) == {(key, mistake.name) for key, mistake in MISTAKES}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_problem_knows_four_mistakes_at_least_and_has_the_points_of_the_homework(problem):
    assert sum(len(check.mistakes) for check in problem.checks) >= 4
    assert sum(check.points for check in problem.checks) == problem.points


def test_the_homework_has_fifteen_points():
    assert [problem.points for problem in PROBLEMS] == [2, 3, 3, 3, 4]


def test_arrays_are_alike_and_lists_that_hold_as_many():
    one, other = np.arange(3.0), np.ones((2, 2))
    assert alike(one * (1 + 1e-12), one)
    assert alike([one, other], (one, other))
    assert not alike([one], [one, other])
    assert not alike([one, other, one], [one, other])
    assert not alike(np.ones(2), [1.0, 1.0])
    assert not alike(one, one[:, None])


def test_probabilities_that_sum_to_two_have_none_of_the_first_points():
    first = find("3a").parts[0]
    with pytest.raises(Failed, match="What makes them sum to 1"):
        first.test(Answer("softmax", lambda z: 2 * softmax(z)), np.random.default_rng(0))


def test_feedback_is_told_apart():
    for key in keys():
        ideas = [mistake.idea for mistake in find(key).mistakes]
        assert len(set(ideas)) == len(ideas)
