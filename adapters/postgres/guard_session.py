"""The guard's one session, which works while all other sessions have to wait.

It stays in a transaction that holds weak locks on the shared catalogs that it reads, so that it
never queues behind a strong lock on them. It queries by COPY in the simple protocol, because the
extended protocol leaves a portal open, whose snapshot would keep dead rows and transaction ids. The
transaction never ends, so `now()` and `age()` do not advance in it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from adapters.driver.connector import Login, connect
from adapters.postgres.errors import FAILURES, translated
from adapters.postgres.sessions import (
    CONNECT_TIMEOUT,
    FAREWELL_TIMEOUT,
    SESSION_SETTINGS,
    UNSWAYED,
    startup,
)
from domain.errors import ProviderBusy

APPLICATION = "pgvend guard"

_SETTINGS = {
    **SESSION_SETTINGS,
    **UNSWAYED,
    "lock_timeout": "1s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "jit": "off",
}

COMMAND_TIMEOUT = 15.0

RESCUE_AFTER = 2.0
"""Seconds that a login waits before `rescue` is called, and between its calls."""

_NO_LIMIT = """
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'
"""
# exists since PostgreSQL 17

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

# a failed statement releases only the locks taken since the savepoint
_FIRST = "SAVEPOINT question; SELECT pg_stat_clear_snapshot()"
_AFTERWARDS = "RELEASE question"
_FAILED = "ROLLBACK TO question; RELEASE question"


@dataclass
class GuardSession:
    """A session that opens with the first query, and again after it was lost. `rescue` helps a
    login that waits for a lock that only a guard can release."""

    login: Login = field(repr=False)
    rescue: Callable[[], Awaitable[None]] | None = None
    _session: asyncpg.Connection | None = field(default=None, init=False, repr=False)
    _is_inside: bool = field(default=False, init=False, repr=False)

    async def ask(self, query: str) -> list[Any]:
        """Return the rows of a query whose only column is JSONB. Raises ProviderBusy and
        ProviderRejected."""
        with translated(lost=ProviderBusy):
            try:
                return await self._asked(query)
            except asyncpg.PostgresError:
                raise  # the statement failed; the session is unchanged
            except BaseException:
                self._drop()
                raise

    async def let_go(self) -> None:
        """End the transaction; the next query begins another one. Never raises."""
        try:
            if self._session and self._is_inside:
                await self._session.execute("COMMIT")
        except FAILURES:
            self._drop()
        self._is_inside = False

    async def close(self) -> None:
        """Close the session. Never raises."""
        session, self._session = self._session, None
        if session:
            with suppress(*FAILURES):
                await session.close(timeout=FAREWELL_TIMEOUT)

    async def _asked(self, query: str) -> list[Any]:
        session = await self._opened()
        if not self._is_inside:
            await session.execute(_BEGIN)
            self._is_inside = True
        await session.execute(_FIRST)
        try:
            rows = await _copied(session, query)
        except asyncpg.PostgresError:
            if not session.is_closed():
                await session.execute(_FAILED)
            raise
        await session.execute(_AFTERWARDS)
        return rows

    async def _opened(self) -> asyncpg.Connection:
        if self._session is None or self._session.is_closed():
            self._is_inside = False
            self._session = await self._log_in()
            await self._session.execute(_NO_LIMIT)
        return self._session

    async def _log_in(self) -> asyncpg.Connection:
        """Log in within this task: in a separate task, a session whose caller was cancelled would
        stay open."""
        rescuing = asyncio.create_task(self._rescue_repeatedly())
        try:
            return await connect(
                **self.login,
                timeout=CONNECT_TIMEOUT,
                command_timeout=COMMAND_TIMEOUT,
                server_settings={**startup(_SETTINGS), "application_name": APPLICATION},
            )
        finally:
            rescuing.cancel()

    async def _rescue_repeatedly(self) -> None:
        while self.rescue:
            await asyncio.sleep(RESCUE_AFTER)
            await self.rescue()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session:
            session.terminate()


async def _copied(session: asyncpg.Connection, query: str) -> list[Any]:
    """Read rows in COPY's CSV format. JSON contains no line breaks and neither of the two
    characters that quote and separate columns here."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(bytes(part))

    await session.copy_from_query(
        query, output=keep, format="csv", quote="\x01", escape="\x01", delimiter="\x02"
    )
    return [json.loads(line) for line in b"".join(parts).splitlines()]
