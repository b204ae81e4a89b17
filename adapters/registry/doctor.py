"""Doctor checks of the registry, also before a service opens it."""

import sqlite3
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

import aiosqlite
import asyncpg

from adapters.registry import postgres, sqlite
from adapters.registry.errors import told
from adapters.registry.migration import scripts
from adapters.registry.snapshot import Remembered, read_snapshot
from adapters.registry.stores import POSTGRES_MEND
from domain.doctor import Check, Mend, Outcome, Verdict, counted
from ports.driven.doctor import Examination

_IN_FILE = "SELECT name FROM sqlite_master WHERE type = 'table'"

_ON_SERVER = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"

_POWERS = """
SELECT pg_is_in_recovery() AS standby, quote_ident(current_user) AS login,
       current_database() AS database, quote_ident(current_schema()) AS schema,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
"""


class RecordsExamination(Examination):
    """Doctor checks that do not disturb a service that has the registry open."""

    async def examine(self) -> AsyncGenerator[Check, None]:
        yield Check("records", judged(await self.look()))

    @abstractmethod
    async def look(self) -> Remembered:
        """Read the live records. Raises StartupError when they cannot be read."""


@dataclass(frozen=True)
class FileExamination(RecordsExamination):
    """Doctor checks of a registry in SQLite.

    `lock_timeout` is the time in seconds to wait for another program that locks the file.
    """

    file: Path
    patience: float = sqlite.PATIENCE

    async def look(self) -> Remembered:
        with told(f"See {self.file}."):
            if not self.file.exists():
                return Remembered()
            async with aiosqlite.connect(self._uri(), uri=True, timeout=self.patience) as opened:
                opened.row_factory = sqlite3.Row
                tables = {row["name"] for row in await opened.execute_fetchall(_IN_FILE)}
                return await read_snapshot(partial(_fetched, opened), tables)

    def _uri(self) -> str:
        """Return the address of the file for reading. A file that no process has open is read as
        immutable; otherwise SQLite would create files next to it."""
        is_open = self.file.with_name(f"{self.file.name}-wal").exists()
        return f"file:{quote(str(self.file))}?{'mode=ro' if is_open else 'immutable=1'}"


@dataclass(frozen=True)
class ServerExamination(RecordsExamination):
    """Doctor checks of a registry on a PostgreSQL server."""

    url: str = field(repr=False)

    async def examine(self) -> AsyncGenerator[Check, None]:
        async for check in super().examine():
            yield check
        async with self._session() as session:
            yield Check("records' server", _judged_server(await session.fetch(_POWERS)))

    async def look(self) -> Remembered:
        async with self._session() as session:
            tables = {row["name"] for row in await session.fetch(_ON_SERVER)}
            return await read_snapshot(session.fetch, tables)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[postgres.Session]:
        with told(POSTGRES_MEND):
            session = await postgres.open_session(self.url)
            try:
                yield session
            finally:
                await session.close()


async def _fetched(opened: aiosqlite.Connection, query: str) -> Sequence[sqlite3.Row]:
    return [*await opened.execute_fetchall(query)]


def judged(found: Remembered) -> Outcome:
    """Return the outcome for the revision of the tables."""
    steps = [step.revision for step in scripts().walk_revisions()]
    if found.revision is None:
        return Outcome(Verdict.OK, "There are none yet; the first start creates them.")
    if found.revision not in steps:
        return Outcome(
            Verdict.FAIL,
            f"A newer pgvend migrated them (their revision is {found.revision}): start that "
            "version or a later one.",
        )
    number = counted(len(found.live), "database")
    if found.revision != steps[0]:
        return Outcome(Verdict.OK, f"{number}; the next start brings the tables up to date.")
    return Outcome(Verdict.OK, f"{number}.")


def _judged_server(rows: list[asyncpg.Record]) -> Outcome:
    [found] = rows
    if found["standby"]:
        return Outcome(
            Verdict.FAIL, "The server is a standby: set PGVEND_REGISTRY_URL to its primary."
        )
    if not found["may_create"]:
        schema, login = found["schema"] or "public", found["login"]
        mend = Mend(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {login};", found["database"])
        return Outcome(
            Verdict.FAIL, f"{login} may not create tables in the schema {schema}.", (mend,)
        )
    return Outcome(Verdict.OK, f"{found['login']} may create tables in {found['database']}.")
