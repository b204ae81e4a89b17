"""The mutations of a file, and the sample of them that is tried.

The changes are those of mutmut, and a few that it lacks. A sample depends only on the
product's source and the seed, not on the tests.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_string,
    operator_swap_op,
)

Operator = Callable[[Any], Iterable[cst.CSTNode]]

TYPING_CALLS = {"TypeVar", "NewType", "cast"}
CHECKED_CALLS = {"isinstance", "issubclass", "len"}
"""With None as an argument these raise TypeError: any test kills such a mutant."""

PROSE = {"description", "summary", "help"}
"""Arguments that are documentation."""

SKIPPED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.TypeAlias)
BLOCKS = (cst.FunctionDef, cst.ClassDef, cst.If, cst.For, cst.While, cst.With, cst.Try)
CLAUSES = (cst.Else, cst.ExceptHandler, cst.Finally, cst.Match, cst.MatchCase)


def mark_string(node: cst.BaseString) -> Iterable[cst.CSTNode]:
    """Add text to a string. A change of its case, as mutmut does it, would not change SQL."""
    yield from list(operator_string(node))[:1]


def empty_argument(node: cst.Call) -> Iterable[cst.Call]:
    """Pass None for an argument; without an argument, a call often fails at once."""
    for new in operator_arg_removal(node):
        if len(new.args) == len(node.args):
            yield new


def drop_call(node: cst.Expr) -> Iterable[cst.CSTNode]:
    """Remove a call whose result is not used."""
    if isinstance(node.value, cst.Call | cst.Await):
        yield cst.Pass()


def drop_raise(_: cst.Raise) -> Iterable[cst.CSTNode]:
    """Continue instead of raising an error."""
    yield cst.Pass()


def negate_condition(node: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    """Negate a condition."""
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))


def empty_return(node: cst.Return) -> Iterable[cst.CSTNode]:
    """Return None instead of a value."""
    if node.value and not (isinstance(node.value, cst.Name) and node.value.value == "None"):
        yield node.with_changes(value=cst.Name("None"))


ADDED_OPERATORS: list[tuple[Any, Operator]] = [
    (cst.BaseString, mark_string),
    (cst.Call, empty_argument),
    (cst.Expr, drop_call),
    (cst.Raise, drop_raise),
    (cst.If | cst.While, negate_condition),
    (cst.Return, empty_return),
]
REPLACED = {operator_string, operator_arg_removal}
OPERATORS = [*(pair for pair in mutation_operators if pair[1] not in REPLACED), *ADDED_OPERATORS]


@dataclass(frozen=True)
class Place:
    """The place of a mutant; `lines` are those of its statement, or of the head of its block."""

    line: int
    lines: tuple[int, int]
    at_import: bool


@dataclass(frozen=True)
class Mutant:
    area: str
    file: str
    place: Place
    operator: str
    code: str
    diff: str


@dataclass(frozen=True)
class Change:
    place: Place
    operator: str
    old: cst.CSTNode
    new: cst.CSTNode


class Finder(cst.CSTVisitor):
    """Collects all changes to a module, in the order of its text."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self._functions = 0
        self._lines = (1, 1)

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, SKIPPED) or _is_for_types(node) or _is_prose(node):
            return False
        outer = self._lines
        self._lines = self._lines_of(node) or outer
        self._find(node)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._visit_definition(node)
            self._lines = outer
            return False
        return True

    def _visit_definition(self, node: cst.FunctionDef | cst.ClassDef) -> None:
        """Visit defaults and the body; bases and type parameters are for types."""
        if isinstance(node, cst.FunctionDef):
            node.params.visit(self)
        self._functions += isinstance(node, cst.FunctionDef)
        node.body.visit(self)
        self._functions -= isinstance(node, cst.FunctionDef)

    def _find(self, node: cst.CSTNode) -> None:
        place = Place(self._span(node)[0], self._lines, at_import=self._functions == 0)
        for kind, operator in OPERATORS:
            if isinstance(node, kind) and not _is_pointless(node, operator, place):
                for new in operator(node):
                    self.changes.append(Change(place, operator.__name__, node, new))

    def _lines_of(self, node: cst.CSTNode) -> tuple[int, int] | None:
        """Return the lines of a statement that begins here; of a block, those before its body."""
        if isinstance(node, cst.SimpleStatementLine):
            return self._span(node)
        if isinstance(node, BLOCKS + CLAUSES):
            begin = self._span(node)[0]
            inside = node.cases[0] if isinstance(node, cst.Match) else node.body
            return begin, max(begin, self._span(inside)[0] - 1)
        return None

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        span = self.get_metadata(PositionProvider, node, None)
        return (span.start.line, span.end.line) if span else self._lines


def sample(root: Path, area: str, count: int, seed: int) -> Iterator[Mutant]:
    """Draw mutants of an area. The same source and seed give the same ones."""
    files = sorted((root / area).rglob("*.py"))
    drawn = [
        (file, module, change) for file in files for module, change in _changes(file.read_text())
    ]
    random.Random(f"{seed} {area}").shuffle(drawn)
    seen: set[tuple[str, str]] = set()
    for file, module, change in drawn:
        if len(seen) == count:
            return
        mutant = _mutant(area, str(file.relative_to(root)), module, change)
        if mutant and (mutant.file, mutant.diff) not in seen:
            seen.add((mutant.file, mutant.diff))
            yield mutant


def _changes(source: str) -> Iterator[tuple[cst.Module, Change]]:
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = Finder()
    wrapper.visit(finder)
    return ((wrapper.module, change) for change in finder.changes)


def _mutant(area: str, file: str, module: cst.Module, change: Change) -> Mutant | None:
    """Return None for a change without effect, or one that leaves no valid Python."""
    mutated = module.deep_replace(change.old, change.new)
    code = mutated.code if isinstance(mutated, cst.Module) else ""
    try:
        compile(code, file, "exec")
    except SyntaxError:
        return None
    old, new = module.code.splitlines(), code.splitlines()
    diff = "\n".join(list(unified_diff(old, new, n=0, lineterm=""))[2:])
    return Mutant(area, file, change.place, change.operator, code, diff) if diff else None


def _is_prose(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Arg) and node.keyword:
        return node.keyword.value in PROSE
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString)


def _is_for_types(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.If) and isinstance(node.test, cst.Name):
        return node.test.value == "TYPE_CHECKING"
    return isinstance(node, cst.Call) and _name(node) in TYPING_CALLS


def _is_pointless(node: cst.CSTNode, operator: Operator, place: Place) -> bool:
    if isinstance(node, cst.Call) and operator is empty_argument:
        return _name(node) in CHECKED_CALLS
    is_union = isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr)
    return is_union and operator is operator_swap_op and place.at_import


def _name(call: cst.Call) -> str:
    return call.func.value if isinstance(call.func, cst.Name) else ""
