"""No value changes; equal are those whose parts are, but for arrays, whose ``==`` has no truth."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

import hwlib

# Numbers, texts, and tuples of such: two that hold the same are the same.
EQUAL_BY_VALUE = {
    "backprop": "Descent",
    "boxes": "GridCounts",
    "claims": "Claim",
    "datasets": "Archive Collection Notice",
    "homework": "Check Line Mistake Part Problem Report",
    "lad": "Certificate Spot Tie Width",
    "mlp": "Recipe",
}


def all_dataclasses():
    names = [module.name for module in pkgutil.walk_packages(hwlib.__path__, "hwlib.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    found = {one for module in modules for _, one in inspect.getmembers(module, inspect.isclass)}
    ours = [one for one in found if one.__module__.startswith("hwlib.")]
    return sorted(filter(dataclasses.is_dataclass, ours), key=lambda one: one.__qualname__)


@pytest.mark.parametrize("one", all_dataclasses(), ids=lambda one: one.__qualname__)
def test_it_cannot_be_changed(one):
    assert one.__dataclass_params__.frozen


def test_equal_by_value_are_those_without_arrays():
    found = [one for one in all_dataclasses() if one.__dataclass_params__.eq]
    names = [(one.__module__.split(".")[1], one.__qualname__) for one in found]
    by_value = {(part, name) for part, many in EQUAL_BY_VALUE.items() for name in many.split()}
    assert sorted(names) == sorted(by_value)
