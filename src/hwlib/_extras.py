"""Optional dependencies: imported on first use, and missed by name."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import ``module``, or say which extra of hwlib brings it.

    Raises:
        ModuleNotFoundError: ``module`` is not installed; the message holds the ``pip install``
            line. A module that is installed but broken keeps its own error.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"{module} is not installed. It comes with the extra {extra!r} of hwlib: "
            f'pip install "hwlib[{extra}]"',
            name=error.name,
        ) from error
