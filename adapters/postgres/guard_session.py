"""The guard's one session, which works while all other sessions have to wait.

It stays in a transaction that holds weak locks on the shared catalogs that it reads, so that it
never queues behind a strong lock on them. A query leaves a portal open, whose snapshot keeps dead
rows and transaction ids, until the next statement in the simple protocol replaces it: that is
`_AFTER_QUERY`. The transaction never ends, so `now()` and `age()` do not advance in it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from adapters.driver.connector import Login, connect
from adapters.postgres.errors import FAILURES, translate_errors
from adapters.postgres.sessions import (
    CLOSE_TIMEOUT,
    CONNECT_TIMEOUT,
    SESSION_SETTINGS,
    TENANT_SETTING_OVERRIDES,
    build_startup_parameters,
)
from domain.errors import ProviderBusy

APPLICATION = "pgvend guard"

_SETTINGS = {
    **SESSION_SETTINGS,
    **TENANT_SETTING_OVERRIDES,
    "lock_timeout": "1s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "jit": "off",
}

COMMAND_TIMEOUT = 15.0

RESCUE_AFTER = 2.0
"""Seconds that a login waits before `rescue` is called, and between its calls."""

_CLEAR_TRANSACTION_TIMEOUT = """
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'
"""
# the setting exists since PostgreSQL 17

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

# a failed statement releases only the locks taken since the savepoint
_BEFORE_QUERY = "SAVEPOINT before_query; SELECT pg_stat_clear_snapshot()"
_AFTER_QUERY = "RELEASE before_query"
_AFTER_FAILURE = "ROLLBACK TO before_query; RELEASE before_query"


@dataclass
class GuardSession:
    """A session that opens with the first query, and again after it was lost. `rescue` helps a
    login that waits for a lock that only a guard can release."""

    login: Login = field(repr=False)
    rescue: Callable[[], Awaitable[None]] | None = None
    _session: asyncpg.Connection | None = field(default=None, init=False, repr=False)
    _is_in_transaction: bool = field(default=False, init=False, repr=False)

    async def fetch(self, query: str) -> list[Any]:
        """Return the rows of a query whose only column is JSONB. Raises ProviderBusy and
        ProviderRejected."""
        with translate_errors(lost=ProviderBusy):
            try:
                return await self._run_query(query)
            except asyncpg.PostgresError:
                raise  # the statement failed; the session is unchanged
            except BaseException:
                self._discard_session()
                raise

    async def end_transaction(self) -> None:
        """End the transaction; the next query begins another one. Never raises."""
        try:
            if self._session and self._is_in_transaction:
                await self._session.execute("COMMIT")
        except FAILURES:
            self._discard_session()
        self._is_in_transaction = False

    async def close(self) -> None:
        """Close the session. Never raises."""
        session, self._session = self._session, None
        if session:
            with suppress(*FAILURES):
                await session.close(timeout=CLOSE_TIMEOUT)

    async def _run_query(self, query: str) -> list[Any]:
        session = await self._ensure_open()
        if not self._is_in_transaction:
            await session.execute(_BEGIN)
            self._is_in_transaction = True
        await session.execute(_BEFORE_QUERY)
        try:
            rows = await session.fetch(query)
        except asyncpg.PostgresError:
            if not session.is_closed():
                await session.execute(_AFTER_FAILURE)
            raise
        await session.execute(_AFTER_QUERY)
        return [json.loads(row[0]) for row in rows]

    async def _ensure_open(self) -> asyncpg.Connection:
        if self._session is None or self._session.is_closed():
            self._is_in_transaction = False
            self._session = await self._log_in()
            await self._session.execute(_CLEAR_TRANSACTION_TIMEOUT)
        return self._session

    async def _log_in(self) -> asyncpg.Connection:
        """Log in within this task: in a separate task, a session whose caller was cancelled would
        stay open."""
        rescue_task = asyncio.create_task(self._rescue_repeatedly())
        try:
            return await connect(
                **self.login,
                timeout=CONNECT_TIMEOUT,
                command_timeout=COMMAND_TIMEOUT,
                statement_cache_size=0,
                server_settings={
                    **build_startup_parameters(_SETTINGS),
                    "application_name": APPLICATION,
                },
            )
        finally:
            rescue_task.cancel()

    async def _rescue_repeatedly(self) -> None:
        while self.rescue:
            await asyncio.sleep(RESCUE_AFTER)
            await self.rescue()

    def _discard_session(self) -> None:
        session, self._session = self._session, None
        if session:
            session.terminate()
