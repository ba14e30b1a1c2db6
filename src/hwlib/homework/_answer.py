"""A student's answer, called without harm: to the clock, the page, the inputs or later draws."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import random
import sys
import sysconfig
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from hwlib.homework._limit import StillRunningError, TimeUp, limited

SECONDS = 20.0  # for all calls of one check together
LOUD = 100_000  # characters; who prints more was not looking for a mistake
SHOWN = 160  # characters of a value, a line or a message that a report quotes
_LIBRARIES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]
_LIBRARIES.append(Path(__file__).resolve().parents[1])


class Failed(Exception):  # noqa: N818 - the answer failed, not the check
    """An answer, or a part of it, is not right. The message is the feedback."""


class NotWritten(Failed):
    """There is no answer yet."""


class Answer:
    """An answer that is a function. Calling it costs its author nothing but points.

    Each call gets copies of its arguments. Output is swallowed, the global random states of NumPy
    and Python are put back, and all calls together have a time limit.

    Args:
        name: The name that the function should have.
        value: What was given as the answer.
        seconds: The time for all calls together.
    """

    def __init__(self, name: str, value: Any, seconds: float | None = None) -> None:
        self.name = name
        self.value = value
        self.seconds = SECONDS if seconds is None else seconds
        self.printed = 0
        self._left = self.seconds
        self._given_up = ""

    def __call__(self, *arguments: Any, changes: bool = False) -> Any:
        """The value for these arguments.

        Args:
            arguments: What the answer is called with.
            changes: Whether it may change its arguments; then they are not copied.

        Raises:
            Failed: It is no function, raised, did not end in time, printed without end, changed
                its arguments or the global random state. The message says which.
        """
        self._check_callable()
        return self.use(self.value, *arguments, changes=changes)

    def use(self, function: Callable[..., Any], *arguments: Any, changes: bool = False) -> Any:
        """The value of a function that the answer made, such as a network, with the same care."""
        if self._given_up:
            raise Failed(self._given_up)
        given = arguments if changes else tuple(map(_copied, arguments))
        started = time.monotonic()
        output = _Swallow()
        with _protected(output) as disturbed:
            try:
                value = limited(lambda: function(*given), self._left)
            except (TimeUp, StillRunningError, KeyboardInterrupt) as error:
                raise self._stopped(error) from None
            except BaseException as error:
                raise self._raised(error) from None
            finally:
                self._left = max(0.05, self._left - (time.monotonic() - started))
                self.printed += output.size
        if output.size > LOUD:
            raise Failed(
                f"{self.name} printed {output.size:,} characters, which were thrown away. "
                "A function returns its result and prints next to nothing."
            )
        if not changes and not all(map(_same, arguments, given)):
            raise Failed(
                f"{self.name} changes its arguments, so that the caller's arrays are no longer "
                "what they were. Work on a copy, or write a = a + b in place of a += b."
            )
        if disturbed():
            raise Failed(
                f"{self.name} changes the global random state, so that what is drawn afterwards "
                "depends on it. Draw from a generator of its own: rng = np.random.default_rng()."
            )
        return value

    def _check_callable(self) -> None:
        if self.value is None:
            raise NotWritten(
                f"There is no {self.name}: write a function of that name, and run its cell first."
            )
        if not callable(self.value):
            raise Failed(
                f"The answer should be the function {self.name} itself, but it is "
                f"{described(self.value)}."
            )

    def _stopped(self, error: BaseException) -> BaseException:
        if isinstance(error, KeyboardInterrupt):
            return error
        self._given_up = f"Not tried: {self.name} did not end before."
        tail = "It was stopped." if isinstance(error, TimeUp) else "It could not be stopped."
        return Failed(
            f"{self.name} did not end within {self.seconds:g} seconds. {tail} "
            "Does a loop never reach its end?"
        )

    def _raised(self, error: BaseException) -> Failed:
        if isinstance(error, NotImplementedError):
            return NotWritten(f"{self.name} is not written yet.")
        said = cut(" ".join(traceback.format_exception_only(error)[-1].split()))
        return Failed(f"{self.name} stopped with an error: {said}{_place(error)}")


def described(value: Any) -> str:
    """What a value is, in a few words, with no trust in its own methods."""
    kind = type(value).__name__
    try:
        if isinstance(value, np.ndarray) or hasattr(value, "detach"):
            return f"an array of shape {tuple(value.shape)} of {value.dtype}"
        if isinstance(value, list | tuple):
            return f"a {kind} of {len(value)} entries"
        return cut(f"{value!r} (of type {kind})")
    except Exception:
        return f"an object of type {kind}"


def cut(text: str) -> str:
    """A text of bounded length."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def array(value: Any, shape: tuple[int, ...], what: str, finite: bool = True) -> np.ndarray:
    """A returned value as a float64 array.

    Raises:
        Failed: It is no array of real numbers of that shape, finite ones unless that is not asked.
    """
    try:
        value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(value)
        numbers = found.astype(np.float64) if found.dtype.kind in "buif" else None
    except Exception:
        numbers = None
    if numbers is None:
        raise Failed(f"{what} should be an array of numbers, but it is {described(value)}.")
    if numbers.shape != shape:
        wanted = f"have the shape {shape}" if shape else "be one number"
        raise Failed(f"{what} should {wanted}, but it has the shape {numbers.shape}.")
    if finite and not np.isfinite(numbers).all():
        raise Failed(f"{what} is not finite: it contains {_first_bad(numbers)}.")
    return cast("np.ndarray", numbers)


def sequence(value: Any, length: int, what: str, entries: str) -> list[Any]:
    """A returned list or tuple.

    Raises:
        Failed: It is neither, or has another length.
    """
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Failed(f"{what} should return {entries}, but it returns {described(value)}.")
    return list(value)


def _first_bad(numbers: np.ndarray) -> str:
    return "nan" if np.isnan(numbers).any() else "inf"


def _place(error: BaseException) -> str:
    """The line in the student's own code that the error came from."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame)]
    if isinstance(error, SyntaxError) or not own:
        return ""
    frame = own[-1]
    line = cut(linecache.getline(frame.filename, frame.lineno or 0).strip())
    return f" (line {frame.lineno} of the cell of {frame.name}: {line})"


def _is_library(frame: traceback.FrameSummary) -> bool:
    path = Path(frame.filename)
    return frame.filename.startswith("<frozen") or any(
        path.is_relative_to(folder) for folder in _LIBRARIES
    )


class _Swallow(io.TextIOBase):
    """A stream that counts what it is given, and keeps nothing."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)


@contextlib.contextmanager
def _protected(output: _Swallow) -> Iterator[Callable[[], bool]]:
    """Swallow output and warnings, put back random states; tells whether they were disturbed."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch = sys.modules.get("torch")
    torch_state = None if torch is None else torch.random.get_rng_state()
    errors = np.geterr()
    changed = False
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(output))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(_undisplayed(output))
        warnings.simplefilter("ignore")
        try:
            yield lambda: changed
        finally:
            np.seterr(**cast("Any", errors))
            changed = not _same(np.random.get_state(), numpy_state)  # noqa: NPY002
            changed |= random.getstate() != python_state
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)
            if torch is not None:
                torch.random.set_rng_state(torch_state)


@contextlib.contextmanager
def _undisplayed(output: _Swallow) -> Iterator[None]:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        yield
        return
    publisher = shell.display_pub

    def publish(data: Mapping[str, Any], *_: Any, **__: Any) -> None:
        output.size += sum(len(str(shown)) for shown in data.values())

    publisher.publish = publish  # on the object; its class keeps its own
    try:
        yield
    finally:
        del publisher.publish


def _copied(value: Any) -> Any:
    """A copy, for arrays and what holds arrays; generators and functions are handed on."""
    if isinstance(value, np.random.Generator) or callable(value):
        return value
    return copy.deepcopy(value)


def _same(one: Any, other: Any) -> bool:
    """Whether an argument still is what it was."""
    if isinstance(one, np.random.Generator) or callable(one):
        return True
    if isinstance(one, list | tuple):
        same_length = isinstance(other, list | tuple) and len(one) == len(other)
        return same_length and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        same_kind = isinstance(other, np.ndarray) and one.shape == other.shape
        return same_kind and bool(np.array_equal(one, other))
    if hasattr(one, "detach"):
        return one.shape == other.shape and bool((one == other).all())
    return bool(one == other)
