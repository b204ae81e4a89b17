"""Execution of SQLAlchemy statements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.errors import translate_errors
from adapters.registry.threads import ThreadedEngine
from ports.driven.cancellation import run_to_completion

T = TypeVar("T")


def is_storable(text: str) -> bool:
    """Return whether every database can store the text."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


Change = tuple[Executable, Mapping[str, Any]]
"""A statement and its values."""


class Executor:
    """Executes statements on a database.

    `reading` and `writing` are engines in autocommit mode, and may be the same.
    """

    def __init__(
        self, reading: AsyncEngine | ThreadedEngine, writing: AsyncEngine | ThreadedEngine
    ) -> None:
        self._reading = reading
        self._writing = writing

    @property
    def is_postgres(self) -> bool:
        engine = self._reading
        dialect = engine.engine.dialect if isinstance(engine, ThreadedEngine) else engine.dialect
        return dialect.name == "postgresql"

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

        In the same transaction, `first` runs before it, and `then` after it if it changed a row.
        The transaction runs to completion even when the caller is cancelled, so that it is never
        half done and never stays open.

        Raises Unavailable, RequestAlreadyRecorded and NameTaken.
        """

        def write(connection: Connection) -> int:
            if first is None and then is None:
                return connection.execute(statement, values).rowcount
            with self._transaction(connection):
                if first is not None:
                    connection.execute(first, values)
                changed = connection.execute(statement, values).rowcount
                if changed and then is not None:
                    connection.execute(*then)
                return changed

        with translate_errors():
            return await run_to_completion(_run(self._writing, write))

    async def write_returning(self, statement: Executable, values: Mapping[str, Any]) -> RowMapping:
        """Run a statement, and return the row that it wrote. Raises Unavailable."""
        with translate_errors():
            return await _run(
                self._writing,
                lambda connection: connection.execute(statement, values).mappings().one(),
            )

    @contextmanager
    def _transaction(self, connection: Connection) -> Iterator[None]:
        """Open a transaction. The driver of SQLite does not open one in autocommit mode."""
        if self.is_postgres:
            connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                yield
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield  # an error leaves the transaction open: the pool rolls it back
        connection.exec_driver_sql("COMMIT")


async def _run(engine: AsyncEngine | ThreadedEngine, work: Callable[[Connection], T]) -> T:
    if isinstance(engine, ThreadedEngine):
        return await engine.run(work)
    async with engine.connect() as connection:
        return await connection.run_sync(work)
