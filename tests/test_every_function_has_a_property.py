"""Each public function that computes is called in a property, or listed here with the reason."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Where the properties of a module are.
FILES = {
    "backprop": "backprop/*.py",
    "boxes": "boxes/*.py",
    "claims": "test_claims*.py",
    "datasets": "datasets/test_*.py",
    "homework": "homework/test_*.py",
    "lad": "lad/*.py",
    "mlp": "mlp/*.py",
    "softmax": "softmax/*.py",
}
# What computes nothing: types, errors and constants, files, pictures, texts.
NOT_NUMERICAL = {
    "backprop": {"GradientCheck", "History", "Network.save", "Network.load"},
    "boxes": {"GridCounts", "draw"},
    "claims": {"Benchmark", "Claim", "ClaimError", "RequestedData", "benchmark"},
    "datasets": {
        *("ARCHIVES", "Archive", "Collection", "DataError", "FallbackWarning", "Notice"),
        *("UnavailableError", "fetch", "find", "notice"),
    },
    "homework": {"attempt"},
    "lad": {"Certificate", "LADFit", "NotCertifiedWarning"},
    "mlp": {"RECIPES", "SIZES", "Data", "History"},
    "softmax": set(),
}


def public(name):
    """Functions, classes and constants, and the methods of classes: ``Network.fit``."""
    module = importlib.import_module(f"hwlib.{name}")
    for word in module.__all__:
        yield word
        value = getattr(module, word)
        if inspect.isclass(value) and word not in NOT_NUMERICAL[name]:
            yield from (
                f"{word}.{method}"
                for method, code in vars(value).items()
                if inspect.isfunction(inspect.unwrap(getattr(code, "__func__", code)))
                and not method.startswith("_")
            )


def named_in_properties(source):
    """All names and attributes in tests with ``@given``, and in what they use of their file."""
    tree = ast.parse(source)
    defined = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    } | {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    todo = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "given"
            for call in node.decorator_list
        )
    ]
    seen, found = set(map(id, todo)), set()
    while todo:
        for node in ast.walk(todo.pop()):
            word = {ast.Name: "id", ast.Attribute: "attr"}.get(type(node))
            if word is None:
                continue
            word = getattr(node, word)
            found.add(word)
            if isinstance(node, ast.Name) and word in defined and id(defined[word]) not in seen:
                seen.add(id(defined[word]))
                todo.append(defined[word])
    return found


def without_property(name, sources):
    """The public names of a module that no property names, those of methods with their class."""
    words = [named_in_properties(source) for source in sources]
    return {
        dotted
        for dotted in public(name)
        if dotted not in NOT_NUMERICAL[name]
        and not any(set(dotted.split(".")) <= found for found in words)
    }


@pytest.mark.parametrize("name", FILES)
def test_every_numerical_function_has_a_property(name):
    sources = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob(FILES[name]))]
    assert without_property(name, sources) == set()


@pytest.mark.parametrize("name", FILES)
def test_what_is_listed_exists(name):
    module = importlib.import_module(f"hwlib.{name}")
    for dotted in NOT_NUMERICAL[name]:
        word, *method = dotted.split(".")
        assert word in module.__all__
        assert all(hasattr(getattr(module, word), part) for part in method)


def test_every_module_is_here():
    import hwlib

    assert set(FILES) | {"figures"} == set(hwlib.__all__)


def test_a_call_counts_in_a_property_only_and_through_its_helpers():
    source = """
def helper(z):
    return softmax(z)

def other(z):
    return jvp(z, z)

@given(scores)
def test_one(z):
    helper(z)
    module.vjp(z, z)

def test_two():
    jacobian([1.0])
"""
    missing = without_property("softmax", [source])
    assert {"jvp", "jacobian", "cross_entropy"} <= missing
    assert not {"softmax", "vjp"} & missing
