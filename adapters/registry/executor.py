"""Execution of SQLAlchemy statements."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.registry.errors import translate_errors
from ports.driven.cancellation import run_to_completion


def is_storable(text: str) -> bool:
    """Return whether every database can store the text."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


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
        self, statement: Executable, values: Mapping[str, Any], *, first: Executable | None = None
    ) -> int:
        """Run a statement in its own transaction, and return how many rows it changed.

        `first` runs before it in the same transaction. The transaction runs to completion even when
        the caller is cancelled, so that it is never half done and never stays open.

        Raises Unavailable, RequestAlreadyRecorded and NameTaken.
        """
        return await run_to_completion(self._write(statement, values, first))

    async def write_returning(self, statement: Executable, values: Mapping[str, Any]) -> RowMapping:
        """Run a statement, and return the row that it wrote. Raises Unavailable."""
        with translate_errors():
            async with self._writing.connect() as connection:
                return (await connection.execute(statement, values)).mappings().one()

    async def _write(
        self, statement: Executable, values: Mapping[str, Any], first: Executable | None
    ) -> int:
        with translate_errors():
            async with self._writing.connect() as connection:
                if first is not None:
                    return await _write_in_transaction(connection, first, statement, values)
                return (await connection.execute(statement, values)).rowcount


async def _write_in_transaction(
    connection: AsyncConnection,
    first: Executable,
    statement: Executable,
    values: Mapping[str, Any],
) -> int:
    connection = await connection.execution_options(isolation_level="READ COMMITTED")
    async with connection.begin():
        await connection.execute(first, values)
        return (await connection.execute(statement, values)).rowcount
