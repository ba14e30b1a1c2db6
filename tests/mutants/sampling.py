"""Which mutants there are, and a stratified random sample of them.

The mutations are cosmic-ray's, all of its operators but the two that draw numbers of their own. A
place is where an operator's family applies; a sample draws places first, then one of the mutants
there: a ``+`` has eleven, nearly all of them easy to find, and would otherwise count eleven times.

Left out by rule, as no test could see them:

- what changes nothing but annotations, docstrings, or code that is for type checkers only;
- what does not compile, or has the syntax tree that it had;
- the bare ``*`` and ``/`` of a signature, which the operators take for arithmetic;
- ``strict=True`` of a ``zip``, by which the program checks itself;
- ``is`` in place of ``==`` and the other way round, and likewise ``is not`` and ``!=``: the same
  for ``None``, ``True`` and ``False``, and in CPython for small numbers and most short strings.
"""

from __future__ import annotations

import ast
import random
import warnings
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

FAMILIES = {
    "ReplaceBinaryOperator": "arithmetic",
    "ReplaceComparisonOperator": "comparison",
    "ReplaceUnaryOperator": "sign",
    "AddNot": "logic",
    "ReplaceTrueWithFalse": "logic",
    "ReplaceFalseWithTrue": "logic",
    "ReplaceAndWithOr": "logic",
    "ReplaceOrWithAnd": "logic",
    "NumberReplacer": "number",
    "ReplaceBreakWithContinue": "flow",
    "ReplaceContinueWithBreak": "flow",
    "ExceptionReplacer": "flow",
    "RemoveDecorator": "flow",
    "ZeroIterationForLoop": "flow",
}
THE_SAME = {"Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq"}


@dataclass(frozen=True)
class Mutant:
    """One mutation: an occurrence of an operator of cosmic-ray in a module."""

    module: str  # a path below src/hwlib
    operator: str
    occurrence: int
    line: int
    column: int
    text: str  # the operator, number or name that stood there

    @property
    def family(self) -> str:
        return FAMILIES[self.operator.partition("/")[2].partition("_")[0]]

    @property
    def package(self) -> str:
        """The package of hwlib, or ``hwlib`` for a module at its top."""
        folder, _, name = self.module.partition("/")
        return folder if name else "hwlib"

    @property
    def place(self) -> tuple[str, str, int, int]:
        return self.module, self.family, self.line, self.column

    def applied(self, source: str) -> str | None:
        """The module with the mutation, or None where the rules leave it out."""
        with warnings.catch_warnings(action="ignore"):  # of `1 is x` and the like
            try:
                mutated = mutate_code(source, get_operator(self.operator)(), self.occurrence)
            except AttributeError:  # its ExceptionReplacer knows no dotted name
                return None
            if mutated is None or not _compiles(mutated) or _bare(mutated) == _bare(source):
                return None
        return mutated


def mutants(sources: Path, module: str) -> list[Mutant]:
    """All mutants of a module, those that the rules leave out among them."""
    source = (sources / module).read_text(encoding="utf-8")
    lines, nodes = source.splitlines(), list(ast_nodes(get_ast(source)))
    found = []
    for name in operator_names():
        kind, _, change = name.partition("/")[2].partition("_")
        if kind not in FAMILIES or change in THE_SAME:
            continue
        operator, occurrence = get_operator(name)(), 0
        for node in nodes:
            for (line, column), (last, end) in operator.mutation_positions(node):
                text = lines[line - 1][column : end if last == line else None]
                found.append(Mutant(module, name, occurrence, line, column, text))
                occurrence += 1
    return found


def modules(sources: Path) -> list[str]:
    """All modules below a folder."""
    return sorted(path.relative_to(sources).as_posix() for path in sources.rglob("*.py"))


def sample(candidates: list[Mutant], sources: Path, size: int, seed: int) -> list[Mutant]:
    """A sample with as many mutants of each package and family as its places are worth."""
    generator = random.Random(seed)
    strata: dict[tuple[str, str], dict[object, list[Mutant]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for mutant in candidates:
        strata[mutant.package, mutant.family][mutant.place].append(mutant)
    shares = _shares({key: len(places) for key, places in strata.items()}, size)
    chosen = []
    for key in sorted(strata):
        places = sorted(strata[key].items())
        generator.shuffle(places)
        drawn = (_one(at, sources, generator) for _, at in places)
        kept = (mutant for mutant in drawn if mutant is not None)
        chosen += [mutant for mutant, _ in zip(kept, range(shares[key]), strict=False)]
    generator.shuffle(chosen)
    return chosen


def _one(at: list[Mutant], sources: Path, generator: random.Random) -> Mutant | None:
    """One of the mutants of a place, or None where the rules leave all of them out."""
    for mutant in generator.sample(at, len(at)):
        if mutant.applied((sources / mutant.module).read_text(encoding="utf-8")) is not None:
            return mutant
    return None


def _shares(sizes: dict[tuple[str, str], int], size: int) -> dict[tuple[str, str], int]:
    """Split a size in proportion; what rounding leaves goes to the largest remainders."""
    total = sum(sizes.values())
    exact = {key: Fraction(size * count, total) for key, count in sizes.items()}
    shares = {key: int(share) for key, share in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], key))
    for key in by_remainder[: size - sum(shares.values())]:
        shares[key] += 1
    return shares


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _bare(source: str) -> str:
    """The syntax tree without what the rules leave out."""
    return ast.dump(_Bare().visit(ast.parse(source)))


class _Bare(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        node.args = node.posonlyargs + node.args + node.kwonlyargs
        node.posonlyargs, node.kwonlyargs = [], []
        node.defaults += [default for default in node.kw_defaults if default is not None]
        node.kw_defaults = []
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "zip":
            node.keywords = []
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        if any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list):
            return None
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = ast.Constant(None)
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings; a body that is nothing else keeps what ``ast.dump`` needs: nothing."""
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)
