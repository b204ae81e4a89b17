"""The guard of a PostgreSQL server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres.guard_query import build_guard_query, parse_snapshot
from adapters.postgres.guard_session import GuardSession
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import open_session
from domain.errors import PgvendError, ProviderRejected
from domain.server_snapshot import Capacity, PreparedTransaction, ServerSnapshot, Session
from ports.driven.guard import Guard

_TERMINATE = """
SELECT to_jsonb(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid = {pid:d} AND usesysid = {role:d}
"""

GUARD_GRANTS = "GRANT pg_signal_backend, pg_read_all_stats TO {admin};"
"""The privileges that a superuser has to grant for the guard of an operator's server."""

Signal = Callable[[Session], Awaitable[bool]]
"""Ends a session without SQL. Returns whether the session was found."""


@dataclass(frozen=True)
class PostgresGuard(Guard):
    """A guard over SQL. `measure_disk` measures the server's disk; `signal` ends a session that SQL
    cannot end. Both exist only if the server runs on this machine."""

    server: Server
    marks: Marks
    session: GuardSession
    measure_disk: Callable[[], Awaitable[Capacity]] | None = None
    signal: Signal | None = None

    async def inspect(self) -> ServerSnapshot:
        [answer] = await self.session.fetch(build_guard_query(self.marks))
        return parse_snapshot(answer, await self.measure_disk() if self.measure_disk else None)

    async def end(self, session: Session) -> bool:
        try:
            return await self._terminate(session)
        except PgvendError:
            if self.signal is None:
                raise
            return await self.signal(session)

    async def _terminate(self, session: Session) -> bool:
        try:
            rows = await self.session.fetch(_TERMINATE.format(pid=session.pid, role=session.role))
        except ProviderRejected as error:
            if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise
            admin = quote_identifier(str(self.server.admin["user"]))
            raise ProviderRejected(
                "The admin lacks the privilege to end tenants' sessions: have a superuser run "
                f"{GUARD_GRANTS.format(admin=admin)}"
            ) from error
        return any(rows)

    async def roll_back(self, prepared: PreparedTransaction) -> None:
        """Roll back the transaction in a new session, because every session of the pool may be
        waiting for this transaction."""
        owner, server = prepared.owner, self.server
        async with (
            open_session(server.admin) as session,
            role_membership(session, owner, prepared.tenant),
        ):
            await end_prepared_transactions(
                session, [prepared.database], owner, server, self.marks, only=prepared.gid
            )

    async def release_locks(self) -> None:
        await self.session.end_transaction()


@asynccontextmanager
async def open_guard(
    server: Server,
    marks: Marks,
    *,
    measure_disk: Callable[[], Awaitable[Capacity]] | None = None,
    signal: Signal | None = None,
    rescue: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[PostgresGuard]:
    """Open a guard until the context exits. It logs in as the superuser if pgvend has one's login,
    else as the admin. `rescue` helps a login that waits for a lock that only a guard can
    release."""
    session = GuardSession(server.superuser or server.admin, rescue)
    guard = PostgresGuard(server, marks, session, measure_disk, signal)
    try:
        yield guard
    finally:
        await guard.session.close()
