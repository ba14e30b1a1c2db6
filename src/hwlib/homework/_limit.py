"""A time limit that really ends a call.

Where signals can do it (the main thread on Linux and macOS), an alarm raises inside the call, and
raises again if the call catches it. Elsewhere the call runs in a thread of its own, into which the
same exception is sent; what does not end then is left behind, and said to be.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

AGAIN = 0.02  # seconds between two attempts to end a call that catches everything
PATIENCE = 2.0  # seconds for which a thread is asked to end before it is left behind
SWALLOWED = 3  # attempts after which exceptions are raised at the next line, not at once


class TimeUp(BaseException):
    """The time is up. No ``except Exception`` of an answer catches it."""


class StillRunningError(Exception):
    """The time is up, and the call could not be ended: it goes on in the background."""


def limited(call: Callable[[], Any], seconds: float) -> Any:
    """The value of a call that ends within some seconds.

    Raises:
        TimeUp: It did not, and was ended.
        StillRunningError: It did not, and could not be ended.
    """
    if can_alarm():
        return _with_alarm(call, seconds)
    return _in_thread(call, seconds)


def can_alarm() -> bool:
    """Whether an alarm can interrupt a call that is made here."""
    here = threading.current_thread() is threading.main_thread()
    return here and hasattr(signal, "setitimer")


def _with_alarm(call: Callable[[], Any], seconds: float) -> Any:
    """Raise :class:`TimeUp` in a call after some seconds, and put the owner's timer back."""
    attempts, over = 0, True  # until there is a timer: an alarm of an earlier one may come late

    def ring(_: int, frame: FrameType | None) -> None:
        nonlocal attempts
        if over:
            return
        attempts += 1
        if attempts <= SWALLOWED or frame is None:
            raise TimeUp
        _raise_at_next_line(frame)

    tracing = sys.gettrace()
    handler = signal.signal(signal.SIGALRM, ring)
    started = time.monotonic()
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    try:
        over = False
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        return call()
    finally:
        over = True  # no alarm that comes now may end what follows: the timer would go on
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if attempts > SWALLOWED:
            sys.settrace(tracing)
        if left:
            passed = time.monotonic() - started
            signal.setitimer(signal.ITIMER_REAL, max(left - passed, 1e-3), interval)


def _raise_at_next_line(frame: FrameType) -> None:
    """Raise where the next line starts: the line of a ``try`` itself is outside of its block."""

    def stop(*_: object) -> None:
        raise TimeUp

    at: FrameType | None = frame
    while at is not None and at.f_globals.get("__name__") != __name__:
        at.f_trace = stop
        at = at.f_back
    sys.settrace(lambda *_: None)


def _in_thread(call: Callable[[], Any], seconds: float) -> Any:
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            outcome["value"] = call()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    deadline = time.monotonic() + PATIENCE
    late = thread.is_alive()
    while thread.is_alive() and time.monotonic() < deadline:
        sent = ctypes.py_object(TimeUp)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), sent)
        thread.join(AGAIN)
    if thread.is_alive():
        raise StillRunningError
    if late:
        raise TimeUp
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
