"""What a live figure hands to its script in the page: numbers as JSON, and bytes on request."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

MIME = "application/vnd.hwlib.part"
_NAME = re.compile(r"[a-z]+(-[a-z]+)*")


def markup(name: str, given: Mapping[str, Any], part: bytes | None) -> str:
    """An element that holds what the script of this name is given.

    Raises:
        ValueError: The name is none for a file, or a number is not finite.
        TypeError: Something is neither a number, a text, an array, nor a list or dict of them.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} names a script: lower-case letters, joined by hyphens")
    whole = dict(given) if part is None else {**given, "partBytes": len(part)}
    text = json.dumps(
        whole, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    # The only character that could end the element, written so that JSON reads it all the same.
    text = text.replace("<", "\\u003c")
    attributes = f'type="application/json" class="hw-live-given" data-figure="{name}"'
    return f"<script {attributes}>{text}</script>"


def part_text(name: str, part: bytes) -> str:
    """The bytes as a form of a cell's output, which the site makes into a file."""
    return json.dumps({"base64": base64.b64encode(part).decode(), "name": name})


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a live figure is given numbers, texts and arrays, not {type(value).__name__}")
