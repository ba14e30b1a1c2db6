"""What importing the package costs, and what it offers."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import hwlib

HEAVY = {"torch", "torchvision", "cvxpy", "matplotlib", "sklearn", "dask", "IPython"}


def loaded_by(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "statement",
    [
        "import hwlib",
        "from hwlib import backprop",
        "from hwlib import claims",
        "from hwlib import datasets",
        "from hwlib import homework",
        "from hwlib import lad",
        "from hwlib import softmax",
        "import hwlib._cli",
    ],
)
def test_importing_loads_nothing_heavy(statement):
    assert not loaded_by(statement) & HEAVY


def test_the_package_alone_does_not_even_load_numpy():
    assert "numpy" not in loaded_by("import hwlib")


@pytest.mark.parametrize("name", hwlib.__all__)
def test_each_module_arrives_on_first_use(name):
    assert getattr(hwlib, name) is importlib.import_module(f"hwlib.{name}")
    assert name in dir(hwlib)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hwlib.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("module", "extra", "missing"), [("mlp", "torch", "torch"), ("figures", "plot", "matplotlib")]
)
def test_a_missing_extra_names_its_install_line(module, extra, missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"try:\n    from hwlib import {module}\n    getattr({module}, 'use_style', None)()\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f'pip install "hwlib[{extra}]"' in done.stdout


def test_no_result_or_setting_can_be_changed_afterwards():
    """Every dataclass of the library is frozen."""
    found, open_ones = 0, []
    for module in pkgutil.walk_packages(hwlib.__path__, "hwlib."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if dataclasses.is_dataclass(value) and value.__module__ == module.name:
                found += 1
                if not value.__dataclass_params__.frozen:
                    open_ones.append(f"{module.name}.{name}")
    assert found > 30
    assert open_ones == []
