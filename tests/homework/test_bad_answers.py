"""Whatever an answer does, a check says so, gives no points for it, and goes on."""

from __future__ import annotations

import functools
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.homework.answers import RIGHT, Dense

from hwlib.homework import _answer, _limit, attempt, check
from hwlib.homework._check import examine
from hwlib.homework._limit import StillRunningError, TimeUp, limited
from hwlib.homework._problems import find, keys

l1_loss = RIGHT["1a"]


def said(key, answer, seconds=5.0):
    """The report's text of an answer that gets nothing."""
    report = examine(find(key), answer, seconds)
    assert report.earned == 0, report.text()
    return report.text()


def raising(X, w, y):
    scale = len(X) - len(X)
    return 1 / scale


def exits(X, w, y):
    sys.exit("enough")


def recursive(X, w, y):
    return recursive(X, w, y)


def loud(X, w, y):
    for _ in range(1000):
        print("x" * 10_000)
    return l1_loss(X, w, y)


def loud_errors(X, w, y):
    print("x" * 10_000_000, file=sys.stderr)
    return l1_loss(X, w, y)


def changes(X, w, y):
    X -= X
    return l1_loss(X, w, y)


def seeds(X, w, y):
    np.random.seed(0)
    return l1_loss(X, w, y)


def draws(X, w, y):
    random.random()
    return l1_loss(X, w, y)


def forever(X, w, y):
    while True:
        pass


def forever_catching(X, w, y):
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "There is no l1_loss"),
        (3.5, "should be the function l1_loss itself, but it is 3.5 (of type float)"),
        ("l1_loss", "should be the function l1_loss itself"),
        (np.ones((3, 2)), "an array of shape (3, 2)"),
        (lambda: 1.0, "TypeError"),
        (lambda X, w, y: None, "should be an array of numbers, but it is None"),
        (lambda X, w, y: "0.5", "should be an array of numbers"),
        (lambda X, w, y: 1j, "should be an array of numbers"),
        (lambda X, w, y: [1.0, 2.0], "The loss is one number"),
        (lambda X, w, y: np.abs(X @ w - y), "The loss is one number"),
        (lambda X, w, y: sum(abs(X @ w - y)), "of shape (1,) of float64. Add up over all axes."),
        (lambda X, w, y: np.array("0.5"), "it is an array of shape () of <U3"),
        (lambda X, w, y: float("nan"), "is not finite: it contains nan"),
        (lambda X, w, y: float("inf"), "is not finite: it contains inf"),
        (raising, "ZeroDivisionError: division by zero (line "),
        (raising, "of the cell of raising: return 1 / scale)"),
        (exits, "stopped with an error: SystemExit: enough"),
        (recursive, "RecursionError"),
        (loud, "printed 10,001,000 characters"),
        (loud_errors, "printed 10,000,001 characters"),
        (changes, "changes its arguments"),
        (seeds, "changes the global random state"),
        (draws, "changes the global random state"),
    ],
)
def test_an_answer_that_misbehaves_gets_a_report_and_no_points(capfd, answer, words):
    assert words in said("1a", answer)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("endless", [forever, forever_catching])
def test_an_endless_loop_is_stopped(endless):
    start = time.monotonic()
    text = said("1a", endless, seconds=0.5)
    assert time.monotonic() - start < 5
    assert "did not end within 0.5 seconds. It was stopped." in text
    assert "Not tried" in text  # the second part does not wait again


@pytest.mark.parametrize("endless", [forever, forever_catching])
def test_an_endless_loop_ends_the_wait_where_there_are_no_alarms(endless):
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(said, "1a", endless, 0.5).result(timeout=20)
    stopped = "It was stopped." if endless is forever else "It could not be stopped."
    assert f"did not end within 0.5 seconds. {stopped}" in text


def test_a_thread_that_cannot_be_ended_is_said_to_go_on():
    done = threading.Event()

    def stubborn():
        while not done.is_set():
            try:
                time.sleep(0.01)
            except TimeUp:
                pass

    def wait():
        with pytest.raises(StillRunningError):
            limited(stubborn, 0.1)

    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(wait).result()
    finally:
        done.set()


def test_the_timer_of_somebody_else_goes_on():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    before = signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        limited(lambda: time.sleep(0.1), 5)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left < 0.35
        time.sleep(0.5)
        assert rung
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_a_quick_answer_is_not_disturbed_by_the_limit():
    assert limited(lambda: 7, 0.5) == 7
    time.sleep(0.6)  # no alarm comes after it


def test_a_late_alarm_of_an_earlier_timer_ends_nothing(monkeypatch):
    """Another thread may take an alarm, and hand it on once there is a new handler."""
    install = signal.signal

    def install_and_ring(number, handler):
        before = install(number, handler)
        if handler is not owner:
            signal.raise_signal(signal.SIGALRM)
        return before

    owner = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(signal, "signal", install_and_ring)
    assert limited(lambda: 7, 5) == 7
    assert signal.getsignal(signal.SIGALRM) is owner


def test_no_alarm_goes_on_after_a_call_that_was_ended(monkeypatch):
    monkeypatch.setattr(_limit, "AGAIN", 2e-5)  # the next alarm comes while the first is handled
    ours = lambda *_: None  # noqa: E731
    handler = signal.signal(signal.SIGALRM, ours)
    before = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        for turn in range(100):
            with pytest.raises(TimeUp):
                limited(functools.partial(forever, 0, 0, 0), [2e-3, 1e-6][turn % 2])
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
            assert signal.getsignal(signal.SIGALRM) is ours
    finally:
        time.sleep(0.01)  # a late one comes to us, not to the owner
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_what_was_changed_is_put_back():
    np.random.seed(5)
    random.seed(5)
    ours = np.random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    errors = np.geterr()
    for answer in (seeds, draws, lambda X, w, y: np.seterr(all="raise")):
        said("1a", answer)
    assert (np.random.random(), random.random()) == ours
    assert np.geterr() == errors


def test_an_answer_may_print_a_little_and_is_told_that_it_is_not_shown(capsys):
    def chatty(X, w, y):
        print(X)
        return l1_loss(X, w, y)

    report = examine(find("1a"), chatty)
    assert report.earned == 1
    assert "What l1_loss printed" in report.text()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("size", [_answer.LOUD, _answer.LOUD + 1])
def test_how_much_an_answer_may_print(size):
    def chatty(X, w, y):
        print("x" * (size - 1))
        return l1_loss(X, w, y)

    assert examine(find("1a"), chatty).earned == (size == _answer.LOUD)


def test_warnings_of_an_answer_do_not_reach_the_cell(recwarn):
    def warns(X, w, y):
        np.log(np.zeros(3))
        return l1_loss(X, w, y)

    assert examine(find("1a"), warns).earned == 1
    assert len(recwarn) == 0


def test_a_result_that_cannot_be_read_is_no_crash():
    class Hostile:
        def __array__(self, *_, **__):
            raise OSError

        def __repr__(self):
            raise OSError

    assert "could not be read (OSError)" in said("1a", lambda X, w, y: Hostile())


@pytest.mark.parametrize("way", ["__array__", "__repr__"])
def test_a_result_that_exits_when_it_is_read_is_no_crash(way):
    hostile = type("Hostile", (), {way: lambda *_, **__: sys.exit()})
    assert "could not be read (SystemExit)" in said("1a", lambda X, w, y: hostile())


def test_a_result_that_complains_when_it_is_thrown_away_does_so_unheard(capfd):
    async def awaited(X, w, y):
        return l1_loss(X, w, y)

    assert "coroutine" in said("1a", awaited)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (sys.exit, "stopped with an error: SystemExit"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero (line "),
        (functools.partial(forever, 0, 0, 0), "did not end within 0.5 seconds. It was stopped."),
        (lambda: print("x" * 1_000_000), "printed 1,000,001 characters"),
        (lambda: np.random.seed(0), "changes the global random state"),
    ],
)
def test_a_network_that_misbehaves_when_it_is_called_is_a_report(capfd, first, words):
    assert words in said("4a", lambda: Dense(first), seconds=0.5)
    assert capfd.readouterr() == ("", "")


def test_a_network_with_layers_that_do_not_fit_is_told_its_sizes():
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.Linear(128, 10))
    assert "the sizes are 784, 256, 128, 64 and 10" in said("4a", lambda: network)


@pytest.mark.parametrize("key", list(keys()))
@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        lambda *_, **__: None,
        lambda *_, **__: np.full((2, 3), np.nan),
        lambda *_, **__: [],
        lambda *_, **__: {"a": 1},
        lambda *_, **__: (None,) * 4,
        lambda *_, **__: np.array(["a"]),
        lambda *_, **__: np.zeros(10),
        lambda *_, **__: 0.0,
    ],
)
def test_every_check_survives_every_sort_of_answer(key, answer):
    report = examine(find(key), answer)
    assert report.earned == 0
    assert all(line.feedback for line in report.lines)
    assert "could not be read" not in report.text()


@pytest.mark.parametrize("key", list(keys()))
def test_an_answer_that_is_not_written_says_so(key):
    def hole(*_):
        raise NotImplementedError

    assert f"{find(key).function} is not written yet" in said(key, hole)


@pytest.mark.parametrize("problem", ["9z", "1", "", "1A", None, 3, ["1a"]])
def test_an_unknown_problem_is_a_report(capsys, problem):
    assert check(problem, l1_loss) == 0
    out = capsys.readouterr().out
    assert "There is no problem" in out
    assert "1a, 1b, 2a" in out


def test_check_shows_its_report_and_returns_a_bare_number(capsys):
    value = check("1a", l1_loss)
    assert type(value) is float
    assert value == 1.0
    assert capsys.readouterr().out.startswith("1a, l1_loss: 1 of 1 point\n")


def test_check_finds_the_answer_by_its_name_among_the_callers_own(capsys):
    assert check("1a") == 1.0
    assert check("1b") == 0.0
    assert "There is no solve_l1" in capsys.readouterr().out


def test_attempt_passes_over_what_is_not_written(capsys):
    def train():
        raise NotImplementedError

    assert attempt(train) is None
    assert "train is not written yet" in capsys.readouterr().out
    assert attempt(sum, (1, 2)) == 3
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)


def test_a_report_as_markup_is_escaped():
    report = examine(find("1a"), "<script>")
    assert "<script>" not in report.markup()
    assert "&lt;script&gt;" in report.markup()


def test_long_values_are_cut():
    assert len(max(said("1a", "x" * 10_000).splitlines(), key=len)) < 2 * _answer.SHOWN + 100


def test_a_missing_extra_is_named_in_the_report():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from hwlib.homework import check\nprint(check('4a', lambda: 1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "hwlib[torch]"' in done.stdout
    assert done.stdout.endswith("0.0\n")


@pytest.mark.parametrize("after", [[[1, 2]], [[1, 2], [3], []], [[1], [3]], [[1, 2], 3], 7])
def test_an_argument_that_is_not_what_it_was_is_seen(after):
    before = [[1, 2], [3]]
    assert _answer._same(before, [[1, 2], [3]])
    assert not _answer._same(before, after)
