"""Running statements, as all that is kept here does it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.registry.errors import translated
from ports.cancellation import finished


def is_sayable(text: str) -> bool:
    """Whether every database can be told that text: what cannot be is not kept in any."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


class Store:
    """`reading` and `writing` are engines in autocommit mode, and may be the same one."""

    def __init__(self, reading: AsyncEngine, writing: AsyncEngine) -> None:
        self._reading = reading
        self._writing = writing

    @property
    def is_postgres(self) -> bool:
        return self._reading.dialect.name == "postgresql"

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """Raises Unavailable."""
        with translated():
            async with self._reading.connect() as connection:
                return (await connection.execute(statement)).mappings().all()

    async def write(
        self, statement: Executable, values: Mapping[str, Any], *, first: Executable | None = None
    ) -> int:
        """How many rows it changed, in a transaction of its own, so that none can stay open, and
        nothing can be half done; `first` runs in it before. It is awaited to its end
        even when its caller is cancelled, who then finds what came of it.

        Raises Unavailable, RequestKnown and NameTaken.
        """
        return await finished(self._written(statement, values, first))

    async def counted(self, statement: Executable, values: Mapping[str, Any]) -> RowMapping:
        """The row that it made or changed. Raises Unavailable."""
        with translated():
            async with self._writing.connect() as connection:
                return (await connection.execute(statement, values)).mappings().one()

    async def _written(
        self, statement: Executable, values: Mapping[str, Any], first: Executable | None
    ) -> int:
        with translated():
            async with self._writing.connect() as connection:
                if first is not None:
                    return await _together(connection, first, statement, values)
                return (await connection.execute(statement, values)).rowcount


async def _together(
    connection: AsyncConnection,
    first: Executable,
    statement: Executable,
    values: Mapping[str, Any],
) -> int:
    connection = await connection.execution_options(isolation_level="READ COMMITTED")
    async with connection.begin():
        await connection.execute(first, values)
        return (await connection.execute(statement, values)).rowcount
