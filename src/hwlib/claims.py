"""Claims: sentences that a build measures, and that stop it when they are false.

A chapter states a claim instead of printing a number: a sentence, the value measured in this
build, and the bound that the value must meet.

========================  ==============================  ==============================
kind                      the bound                       what it needs
========================  ==============================  ==============================
``"exact"``               equality                        the relation ``"=="``
``"rounding"``            follows from the unit roundoff  ``because``: how it follows
``"statistical"``         holds at a confidence level     ``confidence``
``"observed"``            one-sided, chosen               ``because``: why this bound
========================  ==============================  ==============================

Each call displays one line, and carries its own record in that output, so that a page taken from
the build's cache still has all of its claims. Outside a notebook the line is printed.
"""

from __future__ import annotations

import html
import json
import math
import operator
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np

from hwlib import _notebook
from hwlib._benchmarks import Benchmark, benchmark

__all__ = [
    "Benchmark",
    "Claim",
    "ClaimError",
    "RequestedData",
    "benchmark",
    "claim",
    "published",
    "record",
]

Kind = Literal["exact", "rounding", "statistical", "observed"]
Relation = Literal["==", "<=", "<", ">=", ">"]
Status = Literal["held", "false", "not checked"]

_RELATIONS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "<=": ("≤", operator.le),
    "<": ("<", operator.lt),
    ">=": ("≥", operator.ge),
    ">": (">", operator.gt),
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class ClaimError(AssertionError):
    """A claim is false. The message holds its name, sentence, value and bound."""


class RequestedData(Protocol):
    """What a claim asks of a data set: :class:`hwlib.datasets.Dataset` has both."""

    @property
    def name(self) -> str:
        """The data set that the arrays hold."""

    @property
    def requested(self) -> str:
        """The data set that was asked for."""


@dataclass(frozen=True)
class Claim:
    """One measured sentence, as the ledger lists it.

    Attributes:
        name: Unique in the book; the anchor of the claim is ``claim-<name>``.
        sentence: What is claimed. ``$…$`` is inline mathematics.
        kind: ``"exact"``, ``"rounding"``, ``"statistical"`` or ``"observed"``.
        relation: ``"=="``, ``"<="``, ``"<"``, ``">="`` or ``">"``, read as *value relation bound*.
        value: The measured value, formatted.
        bound: The bound, formatted.
        margin: The distance between value and bound, as a share of the larger of the two; None
            for an exact claim.
        status: ``"held"``, ``"false"``, or ``"not checked"`` when the data set is not there.
        because: Where the bound comes from.
        confidence: The level of a statistical claim.
        data: The data set that the claim speaks of.
        equation: The label of the equation that the claim evaluates.
    """

    name: str
    sentence: str
    kind: Kind
    relation: Relation
    value: str
    bound: str
    margin: float | None
    status: Status
    because: str = ""
    confidence: float | None = None
    data: str | None = None
    equation: str | None = None

    @property
    def comparison(self) -> str:
        """Value and bound in one expression, such as ``88.9% ≥ 88.0%``."""
        if self.relation == "==":
            return self.value if self.status != "false" else f"{self.value}, not {self.bound}"
        sign = _RELATIONS[self.relation][0]
        return f"{self.value} {sign if self.status != 'false' else f'is not {sign}'} {self.bound}"

    @property
    def qualified_kind(self) -> str:
        """The kind, with its confidence level, and with what kept the claim from being checked."""
        level = "" if self.confidence is None else f" at {100 * self.confidence:g}%"
        missing = f", not checked: {self.data} is not here" if self.status == "not checked" else ""
        return f"{self.kind}{level}{missing}"

    @property
    def sentence_html(self) -> str:
        """The sentence, with its mathematics marked as MathJax reads it."""
        return _mathematics(self.sentence)


def claim(
    name: str,
    sentence: str,
    value: Any,
    relation: Relation,
    bound: Any,
    *,
    kind: Kind,
    because: str = "",
    confidence: float | None = None,
    data: RequestedData | None = None,
    equation: str | None = None,
    fmt: str = "",
) -> None:
    """State that *value relation bound*, show it in one line, and stop if it is false.

    Args:
        name: A name of lower-case words joined by hyphens, unique in the book.
        sentence: The claim in words, ending with a full stop; ``$…$`` is mathematics.
        value: What was measured: a real number, or for ``"=="`` anything that
            :func:`numpy.array_equal` compares.
        relation: ``"=="``, ``"<="``, ``"<"``, ``">="`` or ``">"``.
        bound: What ``value`` is held against.
        kind: What sort of bound this is; see the table above.
        because: Where a rounding or observed bound comes from.
        confidence: The level of a statistical claim, in (0, 1).
        data: The data set that the sentence speaks of. If another one stands in for it, the claim
            is shown as *not checked* and stops nothing.
        equation: The label of the equation that this evaluates.
        fmt: A format specification for value and bound, such as ``".1%"``.

    Raises:
        ClaimError: The claim is false (a NaN makes every claim false).
        ValueError: The claim is badly stated: see the table above.

    Example:
        >>> claim("tau-over-pi", "The circle constant is twice pi.",
        ...       2 * math.pi, "==", math.tau, kind="exact", fmt=".3f")
        ✓ The circle constant is twice pi. [6.283, exact]
    """
    _check_statement(name, sentence, relation, kind, because, confidence)
    if relation != "==":
        value, bound = _real(name, value), _real(name, bound)
    holds, margin = _compare(value, relation, bound)
    present = data is None or data.name == data.requested
    stated = Claim(
        name=name,
        sentence=sentence,
        kind=kind,
        relation=relation,
        value=_shown(value, fmt),
        bound=_shown(bound, fmt),
        margin=margin,
        status=("held" if holds else "false") if present else "not checked",
        because=because,
        confidence=confidence,
        data=None if data is None else data.requested,
        equation=equation,
    )
    _emit("claim", asdict(stated), _claim_html(stated), _claim_text(stated))
    _settle(stated, value, bound)


def record(name: str, value: Any, fmt: str = "") -> None:
    """Name a measured value, so that prose can quote it with ``{recorded}`name```.

    Args:
        name: As for :func:`claim`; names of claims and of records may not collide.
        value: The measured value.
        fmt: A format specification such as ``".1%"``.

    Raises:
        ValueError: ``name`` is malformed, or ``value`` is neither text nor one finite number.

    Example:
        >>> record("golden-ratio", (1 + math.sqrt(5)) / 2, ".4f")
        golden-ratio = 1.6180
    """
    _check_name(name)
    _check_finite(name, value)
    shown = _shown(value, fmt)
    _emit("record", {"name": name, "value": shown}, "", f"{name} = {shown}")


def published(
    name: str,
    sentence: str,
    value: float | None = None,
    *,
    source: str | None = None,
    result: str | None = None,
    fmt: str = "",
) -> None:
    """Show a value that this build did not measure, with where it comes from.

    Either from the literature (``value`` and ``source``), or from a benchmark of this project
    (``result="file/key"``, read from ``benchmarks/results/file.json`` with machine and date).
    Never counted as a claim. Prose quotes it with ``{recorded}`name```.

    Args:
        name: As for :func:`claim`.
        sentence: What the value is.
        value: The value in the literature.
        source: Who published it, and where.
        result: ``"file/key"`` of a benchmark result.
        fmt: A format specification.

    Raises:
        ValueError: Not exactly one of (``value`` with ``source``) and ``result`` is given, or the
            name is malformed.
        FileNotFoundError: There is no such file of results.
        KeyError: The file of results holds no such key.

    Example:
        >>> published("pi-archimedes", "An upper bound of pi.", 22 / 7,
        ...           source="Archimedes, Measurement of a Circle", fmt=".4f")
        An upper bound of pi. [published: 3.1429, Archimedes, Measurement of a Circle]
    """
    _check_name(name)
    if (result is None) == (value is None) or (value is None) != (source is None):
        raise ValueError(f"published value {name!r}: give value and source, or result, not both")
    if result is not None:
        stem, _, key = result.partition("/")
        results = benchmark(stem)
        value, source = results[key], results.source
    _check_finite(name, value)
    shown = _shown(value, fmt)
    inner = (
        f'<span class="hw-claim__text tex2jax_process">{_mathematics(sentence)}</span> '
        f'<span class="hw-claim__value">{html.escape(shown)}</span> '
        f'<span class="hw-claim__kind">published: {html.escape(str(source))}</span>'
    )
    payload = {"name": name, "value": shown, "sentence": sentence, "source": source}
    _emit("published", payload, inner, f"{sentence} [published: {shown}, {source}]")


def _settle(stated: Claim, value: Any, bound: Any) -> None:
    """Stop at a false claim."""
    if stated.status == "false":
        raise ClaimError(
            f"claim {stated.name!r} is false: {stated.sentence} "
            f"{_difference(value, stated.relation, bound)} ({stated.kind})."
        )


def _difference(value: Any, relation: str, bound: Any) -> str:
    """Value and bound in full; of arrays, the first entries that differ."""
    measured, wanted = np.asarray(value, dtype=object), np.asarray(bound, dtype=object)
    if relation != "==" or measured.ndim == 0 or measured.shape != wanted.shape:
        return f"Measured {value!r}, bound {relation} {bound!r}"
    places = np.argwhere(measured != wanted)
    first = tuple(places[0].tolist())
    return (
        f"Measured and bound differ in {len(places)} of {measured.size} entries, first at {first}: "
        f"measured {measured[first]!r}, bound == {wanted[first]!r}"
    )


def _check_statement(
    name: str, sentence: str, relation: str, kind: str, because: str, confidence: float | None
) -> None:
    _check_name(name)
    wrong = None
    if not sentence.rstrip("$").endswith("."):
        wrong = "its sentence does not end with a full stop"
    elif relation != "==" and relation not in _RELATIONS:
        wrong = f"its relation {relation!r} is none of '==', '<=', '<', '>=', '>'"
    elif kind not in ("exact", "rounding", "statistical", "observed"):
        wrong = f"its kind {kind!r} is none of 'exact', 'rounding', 'statistical', 'observed'"
    elif (kind == "exact") != (relation == "=="):
        wrong = "an exact claim, and only an exact claim, uses '=='"
    elif kind in ("rounding", "observed") and not because.strip():
        wrong = f"a claim of kind {kind!r} says where its bound comes from: because='…'"
    elif (kind == "statistical") != (confidence is not None):
        wrong = "a statistical claim, and only a statistical claim, states a confidence level"
    elif confidence is not None and not 0 < confidence < 1:
        wrong = f"its confidence level {confidence} is not in (0, 1)"
    if wrong:
        raise ValueError(f"claim {name!r} is badly stated: {wrong}")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: lower-case words and digits joined by hyphens")


def _real(name: str, value: Any) -> float:
    """A single real number, of whatever library, as a float."""
    try:
        number = value.item() if hasattr(value, "item") else value
        if not isinstance(number, str):
            return float(number)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch, for more than one entry
        pass
    raise ValueError(f"{name!r}: {value!r} is not a single real number")


def _check_finite(name: str, value: Any) -> None:
    if not isinstance(value, str) and not math.isfinite(_real(name, value)):
        raise ValueError(f"{name!r} is {value}: only a finite value can be quoted")


def _compare(value: Any, relation: str, bound: Any) -> tuple[bool, float | None]:
    """Whether the claim holds, and its margin."""
    if relation == "==":
        return bool(np.array_equal(value, bound)), None
    larger = max(abs(value), abs(bound))
    margin = abs(bound - value) / larger if larger else 0.0
    return _RELATIONS[relation][1](value, bound), margin if math.isfinite(margin) else None


def _shown(value: Any, fmt: str) -> str:
    size = np.size(value) if isinstance(value, np.ndarray | list | tuple) else 1
    if size > 6:
        return f"{size:,} values"
    if isinstance(value, list | tuple):
        return f"({', '.join(_shown(entry, fmt) for entry in value)})"
    if isinstance(value, np.ndarray | np.generic):
        return _shown(value.tolist(), fmt)
    if not fmt and isinstance(value, float):
        fmt = ".3g"
    elif not fmt and isinstance(value, int) and not isinstance(value, bool):
        fmt = ","
    return format(value, fmt)


def _claim_text(stated: Claim) -> str:
    mark = {"held": "✓", "false": "✗", "not checked": "–"}[stated.status]
    return f"{mark} {stated.sentence} [{stated.comparison}, {stated.qualified_kind}]"


def _claim_html(stated: Claim) -> str:
    mark, word = {"held": ("✓", "holds"), "false": ("✗", "false")}.get(
        stated.status, ("–", "not checked")
    )
    because = f' title="{html.escape(stated.because)}"' if stated.because else ""
    return (
        f'<span class="hw-claim__mark" role="img" aria-label="{word}:">{mark}</span> '
        f'<span class="hw-claim__text tex2jax_process">{stated.sentence_html}</span> '
        f'<span class="hw-claim__value">{html.escape(stated.comparison)}</span> '
        f'<span class="hw-claim__kind"{because}>{html.escape(stated.qualified_kind)}</span>'
    )


def _mathematics(sentence: str) -> str:
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(sentence, quote=False))


def _emit(sort: str, payload: dict[str, Any], inner: str, text: str) -> None:
    """Display one line that carries its own record, or print it outside a notebook."""
    carried = html.escape(json.dumps({"sort": sort, **payload}, ensure_ascii=False, sort_keys=True))
    classes = {
        "claim": f"hw-claim hw-claim--{payload.get('status', '').replace(' ', '-')}",
        "record": "hw-record",
        "published": "hw-published",
    }[sort]
    anchor = f"claim-{payload['name']}" if sort == "claim" else f"value-{payload['name']}"
    hidden = "" if inner else " hidden"
    markup = f'<div class="{classes}" id="{anchor}" data-hwlib="{carried}"{hidden}>{inner}</div>'
    if not _notebook.show(markup, text):
        print(text)
