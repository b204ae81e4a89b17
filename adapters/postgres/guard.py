"""The guard of a PostgreSQL server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres.guard_query import look_of, question
from adapters.postgres.guard_session import GuardSession
from adapters.postgres.inspection import Marks
from adapters.postgres.membership import member_of
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.quoting import identifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import single_session
from domain.errors import PgvendError, ProviderRejected
from domain.server_snapshot import Look, Prepared, Room, Session
from ports.driven.guard import Guard

_END = """
SELECT to_jsonb(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid = {pid:d} AND usesysid = {role:d}
"""

MISSING = "GRANT pg_signal_backend, pg_read_all_stats TO {admin};"
"""The privileges that a superuser has to grant for the guard of an operator's server."""

Signal = Callable[[Session], Awaitable[bool]]
"""Ends a session without SQL. Returns whether it could."""


@dataclass(frozen=True)
class PostgresGuard(Guard):
    """A guard over SQL. `disk` measures the server's disk; `signal` ends a session that SQL cannot
    end. Both exist only if the server runs on this machine."""

    server: Server
    marks: Marks
    session: GuardSession
    disk: Callable[[], Awaitable[Room]] | None = None
    signal: Signal | None = None

    async def look(self) -> Look:
        [answer] = await self.session.ask(question(self.marks))
        return look_of(answer, await self.disk() if self.disk else None)

    async def end(self, session: Session) -> bool:
        try:
            return await self._terminate(session)
        except PgvendError:
            if self.signal is None:
                raise
            return await self.signal(session)

    async def _terminate(self, session: Session) -> bool:
        try:
            rows = await self.session.ask(_END.format(pid=session.pid, role=session.role))
        except ProviderRejected as error:
            if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise
            admin = identifier(str(self.server.admin["user"]))
            raise ProviderRejected(
                "The admin lacks the privilege to end tenants' sessions: have a superuser run "
                f"{MISSING.format(admin=admin)}"
            ) from error
        return any(rows)

    async def roll_back(self, prepared: Prepared) -> None:
        """Roll back the transaction in a new session, because every session of the pool may be
        waiting for this transaction."""
        owner, server = prepared.owner, self.server
        async with (
            single_session(server.admin) as session,
            member_of(session, owner, prepared.tenant),
        ):
            await end_prepared_transactions(
                session, [prepared.database], owner, server, self.marks, only=prepared.gid
            )

    async def step_aside(self) -> None:
        await self.session.let_go()


@asynccontextmanager
async def opened_guard(
    server: Server,
    marks: Marks,
    *,
    disk: Callable[[], Awaitable[Room]] | None = None,
    signal: Signal | None = None,
    rescue: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[PostgresGuard]:
    """Open a guard until the context exits. It logs in as the superuser if pgvend has a login of
    one, else as the admin."""
    session = GuardSession(server.superuser or server.admin, rescue)
    guard = PostgresGuard(server, marks, session, disk, signal)
    try:
        yield guard
    finally:
        await guard.session.close()
