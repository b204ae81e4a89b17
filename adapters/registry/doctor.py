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
from adapters.registry.errors import startup_errors
from adapters.registry.migration import list_revisions
from adapters.registry.postgres_stores import POSTGRES_FIX
from adapters.registry.snapshot import RegistrySnapshot, read_snapshot
from domain.doctor import DoctorCheck, Fix, Outcome, Verdict, format_count
from ports.driven.doctor import DoctorChecks

_TABLES_IN_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'table'"

_TABLES_IN_POSTGRES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"

_PRIVILEGES = """
SELECT pg_is_in_recovery() AS standby, quote_ident(current_user) AS login,
       current_database() AS database, quote_ident(current_schema()) AS schema,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
"""


class RegistryChecks(DoctorChecks):
    """Doctor checks that do not disturb a service that has the registry open."""

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        yield DoctorCheck("records", check_snapshot(await self.take_snapshot()))

    @abstractmethod
    async def take_snapshot(self) -> RegistrySnapshot:
        """Read the live records. Raises StartupError when they cannot be read."""


@dataclass(frozen=True)
class SqliteRegistryChecks(RegistryChecks):
    """Doctor checks of a registry in SQLite.

    `lock_timeout` is the time in seconds to wait for another program that locks the file.
    """

    file: Path
    lock_timeout: float = sqlite.LOCK_TIMEOUT

    async def take_snapshot(self) -> RegistrySnapshot:
        with startup_errors(f"See {self.file}."):
            if not self.file.exists():
                return RegistrySnapshot()
            async with aiosqlite.connect(
                self._read_only_uri(), uri=True, timeout=self.lock_timeout
            ) as connection:
                connection.row_factory = sqlite3.Row
                tables = {
                    row["name"] for row in await connection.execute_fetchall(_TABLES_IN_SQLITE)
                }
                return await read_snapshot(partial(_fetch, connection), tables)

    def _read_only_uri(self) -> str:
        """Return the address of the file for reading. A file that no process has open is read as
        immutable; otherwise SQLite would create files next to it."""
        is_in_use = self.file.with_name(f"{self.file.name}-wal").exists()
        return f"file:{quote(str(self.file))}?{'mode=ro' if is_in_use else 'immutable=1'}"


@dataclass(frozen=True)
class PostgresRegistryChecks(RegistryChecks):
    """Doctor checks of a registry on a PostgreSQL server."""

    url: str = field(repr=False)

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        async for check in super().run_checks():
            yield check
        async with self._session() as session:
            yield DoctorCheck("records' server", _check_server(await session.fetch(_PRIVILEGES)))

    async def take_snapshot(self) -> RegistrySnapshot:
        async with self._session() as session:
            tables = {row["name"] for row in await session.fetch(_TABLES_IN_POSTGRES)}
            return await read_snapshot(session.fetch, tables)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[postgres.Session]:
        with startup_errors(POSTGRES_FIX):
            session = await postgres.open_session(self.url)
            try:
                yield session
            finally:
                await session.close()


async def _fetch(connection: aiosqlite.Connection, query: str) -> Sequence[sqlite3.Row]:
    return [*await connection.execute_fetchall(query)]


def check_snapshot(snapshot: RegistrySnapshot) -> Outcome:
    """Return the outcome for the revision of the tables."""
    revisions = list_revisions()
    if snapshot.revision is None:
        return Outcome(Verdict.OK, "There are none yet; the first start creates them.")
    if snapshot.revision not in revisions:
        return Outcome(
            Verdict.FAIL,
            f"A newer pgvend migrated them (their revision is {snapshot.revision}): start that "
            "version or a later one.",
        )
    number = format_count(len(snapshot.databases), "database")
    if snapshot.revision != revisions[-1]:
        return Outcome(Verdict.OK, f"{number}; the next start brings the tables up to date.")
    return Outcome(Verdict.OK, f"{number}.")


def _check_server(rows: list[asyncpg.Record]) -> Outcome:
    [server] = rows
    if server["standby"]:
        return Outcome(
            Verdict.FAIL, "The server is a standby: set PGVEND_REGISTRY_URL to its primary."
        )
    if not server["may_create"]:
        schema, login = server["schema"] or "public", server["login"]
        fix = Fix(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {login};", server["database"])
        return Outcome(
            Verdict.FAIL, f"{login} may not create tables in the schema {schema}.", (fix,)
        )
    return Outcome(Verdict.OK, f"{server['login']} may create tables in {server['database']}.")
