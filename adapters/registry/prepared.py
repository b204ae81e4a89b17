"""Statements in the driver's own form, compiled once.

SQLAlchemy finds the compiled form of a statement again for each call, which costs more than SQLite
needs to run it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any] | None
"""Converts a value to one of the driver; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement for SQLite. `parameters` are its values in order: the name, the converter, and
    the value that the statement itself gives it, if the caller does not."""

    text: str
    parameters: tuple[tuple[str, Convert, Any], ...]

    def execute(self, connection: sqlite3.Connection, values: Mapping[str, Any]) -> int:
        """Run the statement, and return how many rows it changed."""
        return connection.execute(self.text, self._convert(values)).rowcount

    def _convert(self, values: Mapping[str, Any]) -> list[Any]:
        given = [(values.get(name, default), to) for name, to, default in self.parameters]
        return [value if convert is None else convert(value) for value, convert in given]


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
