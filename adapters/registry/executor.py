"""Execution of SQLAlchemy statements."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Dialect, Executable, RowMapping

from adapters.registry.errors import translate_errors
from adapters.registry.prepared import BoundStatement, PreparedStatement, prepare_statement
from adapters.registry.threads import ThreadedEngine
from ports.driven.cancellation import run_to_completion

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # only a registry on a server loads it

T = TypeVar("T")


def is_storable(text: str) -> bool:
    """Return whether every database can store the text."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


Change = tuple[Executable, Mapping[str, Any]]
"""A statement and its values."""

Rows = Sequence[Mapping[str, Any]]

Changes = tuple[Executable, Rows]
"""A statement, and values to run it with, one after the other."""


class Executor:
    """Executes statements on a database.

    `reading` and `writing` are engines in autocommit mode, and may be the same.
    """

    def __init__(
        self, reading: "AsyncEngine | ThreadedEngine", writing: "AsyncEngine | ThreadedEngine"
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._prepared: dict[Executable, PreparedStatement] = {}

    @property
    def is_postgres(self) -> bool:
        return self._dialect.name == "postgresql"

    @property
    def _dialect(self) -> Dialect:
        engine = self._reading
        return engine.engine.dialect if isinstance(engine, ThreadedEngine) else engine.dialect

    async def fetch(self, statement: Executable) -> Sequence[RowMapping]:
        """Return the rows of a query. Raises Unavailable."""
        with translate_errors():
            return await _run(
                self._reading, lambda connection: connection.execute(statement).mappings().all()
            )

    async def write(
        self,
        statement: Executable,
        values: Mapping[str, Any],
        *,
        first: Executable | None = None,
        then: Change | None = None,
    ) -> int:
        """Run a statement in its own transaction, and return how many rows it changed.

        In the same transaction, `first` runs before it on a server, and `then` runs after it in a
        file if it changed a row: in each place, the other one has no use. The transaction runs to
        completion even when the caller is cancelled, so that it is never half done and never stays
        open.

        Raises Unavailable, RequestAlreadyRecorded and NameTaken.
        """
        with translate_errors():
            if isinstance(self._writing, ThreadedEngine):
                bound = self._bind(statement, values)
                bound_then = self._bind(*then) if then else None
                work = partial(_write_to_file, bound, bound_then)
                return await self._writing.run_to_completion(work)
            write = partial(_write_to_server, statement, values, first)
            return await run_to_completion(_run(self._writing, write))

    async def write_all(self, changes: Sequence[Changes]) -> None:
        """Run each statement with each of its values, all in one transaction, to its end even when
        the caller is cancelled. Raises Unavailable, and NameTaken if a row conflicts with another
        one."""
        changes = [(statement, rows) for statement, rows in changes if rows]
        with translate_errors():
            if isinstance(self._writing, ThreadedEngine):
                prepared = [(self._prepare(each, rows[0]), rows) for each, rows in changes]
                await self._writing.run_to_completion(partial(_write_all_to_file, prepared))
            else:
                write = partial(_write_all_to_server, changes)
                await run_to_completion(_run(self._writing, write))

    async def write_returning(
        self, statement: Executable, values: Mapping[str, Any]
    ) -> Sequence[RowMapping]:
        """Run a statement, and return the rows that it wrote. Raises Unavailable."""
        with translate_errors():
            return await _run(
                self._writing,
                lambda connection: connection.execute(statement, values).mappings().all(),
            )

    def _bind(self, statement: Executable, values: Mapping[str, Any]) -> BoundStatement:
        return self._prepare(statement, values).bind(values)

    def _prepare(self, statement: Executable, values: Mapping[str, Any]) -> PreparedStatement:
        """Return the statement, compiled at its first call. Each is a constant of its module."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = prepare_statement(statement, values, self._dialect)
            self._prepared[statement] = prepared
        return prepared


def _write_to_file(
    statement: BoundStatement, then: BoundStatement | None, connection: sqlite3.Connection
) -> int:
    if then is None:
        return connection.execute(*statement).rowcount
    connection.execute("BEGIN IMMEDIATE")  # an error leaves it open: the pool rolls it back
    if changed := connection.execute(*statement).rowcount:
        connection.execute(*then)
    connection.execute("COMMIT")
    return changed


def _write_all_to_file(
    changes: Sequence[tuple[PreparedStatement, Rows]], connection: sqlite3.Connection
) -> None:
    connection.execute("BEGIN IMMEDIATE")  # an error leaves it open: the pool rolls it back
    for statement, rows in changes:
        for values in rows:
            connection.execute(*statement.bind(values))
    connection.execute("COMMIT")


def _write_all_to_server(changes: Sequence[Changes], connection: Connection) -> None:
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        for statement, rows in changes:
            connection.execute(statement, rows)


def _write_to_server(
    statement: Executable,
    values: Mapping[str, Any],
    first: Executable | None,
    connection: Connection,
) -> int:
    if first is None:
        return connection.execute(statement, values).rowcount
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        connection.execute(first, values)
        return connection.execute(statement, values).rowcount


async def _run(engine: "AsyncEngine | ThreadedEngine", work: Callable[[Connection], T]) -> T:
    if isinstance(engine, ThreadedEngine):
        return await engine.run(work)
    async with engine.connect() as connection:
        return await connection.run_sync(work)
