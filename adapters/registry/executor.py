"""Execution of SQLAlchemy statements."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.registry.errors import translate_errors
from ports.driven.cancellation import run_to_completion


def is_storable(text: str) -> bool:
    """Return whether every database can store the text."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


Change = tuple[Executable, Mapping[str, Any]]
"""A statement and its values."""


class Executor:
    """Executes statements on a database.

    `reading` and `writing` are engines in autocommit mode, and may be the same.
    """

    def __init__(self, reading: AsyncEngine, writing: AsyncEngine) -> None:
        self._reading = reading
        self._writing = writing

    @property
    def is_postgres(self) -> bool:
        return self._reading.dialect.name == "postgresql"

    async def fetch(self, statement: Executable) -> Sequence[RowMapping]:
        """Return the rows of a query. Raises Unavailable."""
        with translate_errors():
            async with self._reading.connect() as connection:
                return (await connection.execute(statement)).mappings().all()

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
        The transaction runs to completion even when
        the caller is cancelled, so that it is never half done and never stays open.

        Raises Unavailable, RequestAlreadyRecorded and NameTaken.
        """
        return await run_to_completion(self._write(statement, values, first, then))

    async def write_returning(self, statement: Executable, values: Mapping[str, Any]) -> RowMapping:
        """Run a statement, and return the row that it wrote. Raises Unavailable."""
        with translate_errors():
            async with self._writing.connect() as connection:
                return (await connection.execute(statement, values)).mappings().one()

    async def _write(
        self,
        statement: Executable,
        values: Mapping[str, Any],
        first: Executable | None,
        then: Change | None,
    ) -> int:
        with translate_errors():
            async with self._writing.connect() as connection:
                if first is None and then is None:
                    return (await connection.execute(statement, values)).rowcount
                async with self._transaction(connection) as transaction:
                    if first is not None:
                        await transaction.execute(first, values)
                    changed = (await transaction.execute(statement, values)).rowcount
                    if changed and then is not None:
                        await transaction.execute(*then)
                    return changed

    @asynccontextmanager
    async def _transaction(self, connection: AsyncConnection) -> AsyncIterator[AsyncConnection]:
        """Open a transaction. The driver of SQLite does not open one in autocommit mode."""
        if self.is_postgres:
            level = await connection.execution_options(isolation_level="READ COMMITTED")
            async with level.begin():
                yield level
            return
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            await connection.exec_driver_sql("ROLLBACK")
            raise
        await connection.exec_driver_sql("COMMIT")
