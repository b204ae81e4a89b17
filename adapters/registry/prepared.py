"""Statements in the driver's own form, compiled once.

SQLAlchemy finds the compiled form of a statement again for each call, which costs more than SQLite
needs to run it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any] | None
"""Converts a value to one of the driver; None leaves it as it is."""

BoundStatement = tuple[str, Sequence[Any]]
"""A statement's text and its parameters, as the driver's `execute` takes them."""


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement for SQLite. `parameters` are its values in order: the name, the converter, and
    the value that the statement itself gives it, if the caller does not."""

    text: str
    parameters: tuple[tuple[str, Convert, Any], ...]

    def bind(self, values: Mapping[str, Any]) -> BoundStatement:
        """Return the statement with these values, in the driver's form."""
        given = [(values.get(name, default), to) for name, to, default in self.parameters]
        return self.text, [value if convert is None else convert(value) for value, convert in given]


def prepare_statement(
    statement: Executable, names: Mapping[str, Any], dialect: Dialect
) -> PreparedStatement:
    """Compile a statement that the caller gives values of these names."""
    compile_statement = cast("Any", statement).compile  # not declared, but every statement has it
    compiled: SQLCompiler = compile_statement(dialect=dialect, column_keys=list(names))
    defaults = compiled.params
    return PreparedStatement(
        text=str(compiled),
        parameters=tuple(
            (name, _find_converter(compiled, name), defaults[name])
            for name in compiled.positiontup or ()
        ),
    )


def _find_converter(compiled: SQLCompiler, name: str) -> Convert:
    dialect = compiled.dialect
    return compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
