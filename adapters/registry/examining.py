"""The records, looked at before a service opens them."""

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
from adapters.registry.migrating import scripts
from adapters.registry.opening import POSTGRES_MEND
from adapters.registry.remembered import Remembered, remembered
from domain.checkup import Check, Mend, Outcome, Verdict, counted
from ports.driven.examination import Examination

_IN_FILE = "SELECT name FROM sqlite_master WHERE type = 'table'"

_ON_SERVER = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"

_POWERS = """
SELECT pg_is_in_recovery() AS standby, quote_ident(current_user) AS login,
       current_database() AS database, quote_ident(current_schema()) AS schema,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
"""


class RecordsExamination(Examination):
    """A service may have the records open, and goes on."""

    async def examine(self) -> AsyncGenerator[Check, None]:
        yield Check("records", judged(await self.look()))

    @abstractmethod
    async def look(self) -> Remembered:
        """What the records say. Raises StartupError when they cannot be read."""


@dataclass(frozen=True)
class FileExamination(RecordsExamination):
    """`patience` is for other programs that lock the file, in seconds."""

    file: Path
    patience: float = sqlite.PATIENCE

    async def look(self) -> Remembered:
        with told(f"See {self.file}."):
            if not self.file.exists():
                return Remembered()
            async with aiosqlite.connect(self._uri(), uri=True, timeout=self.patience) as opened:
                opened.row_factory = sqlite3.Row
                tables = {row["name"] for row in await opened.execute_fetchall(_IN_FILE)}
                return await remembered(partial(_fetched, opened), tables)

    def _uri(self) -> str:
        """A file that nobody has open is read as one that cannot change: else SQLite would put
        files of its own beside it."""
        is_open = self.file.with_name(f"{self.file.name}-wal").exists()
        return f"file:{quote(str(self.file))}?{'mode=ro' if is_open else 'immutable=1'}"


@dataclass(frozen=True)
class ServerExamination(RecordsExamination):
    url: str = field(repr=False)

    async def examine(self) -> AsyncGenerator[Check, None]:
        async for check in super().examine():
            yield check
        async with self._session() as session:
            yield Check("records' server", _judged_server(await session.fetch(_POWERS)))

    async def look(self) -> Remembered:
        async with self._session() as session:
            tables = {row["name"] for row in await session.fetch(_ON_SERVER)}
            return await remembered(session.fetch, tables)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[postgres.Session]:
        with told(POSTGRES_MEND):
            session = await postgres.session(self.url)
            try:
                yield session
            finally:
                await session.close()


async def _fetched(opened: aiosqlite.Connection, query: str) -> Sequence[sqlite3.Row]:
    return [*await opened.execute_fetchall(query)]


def judged(found: Remembered) -> Outcome:
    steps = [step.revision for step in scripts().walk_revisions()]
    if found.revision is None:
        return Outcome(Verdict.OK, "There are none yet; the first start makes them.")
    if found.revision not in steps:
        return Outcome(
            Verdict.FAIL,
            f"They were last used by a newer pgvend (their revision is {found.revision}): start "
            "that version, or a later one.",
        )
    number = counted(len(found.live), "database")
    if found.revision != steps[0]:
        return Outcome(Verdict.OK, f"{number}; the next start brings the tables up to date.")
    return Outcome(Verdict.OK, f"{number}.")


def _judged_server(rows: list[asyncpg.Record]) -> Outcome:
    [found] = rows
    if found["standby"]:
        return Outcome(Verdict.FAIL, "The server is a standby; name its primary.")
    if not found["may_create"]:
        schema, login = found["schema"] or "public", found["login"]
        mend = Mend(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {login};", found["database"])
        return Outcome(Verdict.FAIL, f"{login} may not make tables there.", (mend,))
    return Outcome(Verdict.OK, f"{found['login']} may work in {found['database']}.")
