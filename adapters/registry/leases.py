"""Leases between processes that share a PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256

from adapters.registry.errors import DRIVER_ERRORS, translate_errors
from adapters.registry.postgres import POOL_TIMEOUT, Session
from ports.driven.cancellation import run_to_completion
from ports.driven.leases import Leases


class PostgresLeases(Leases):
    """Leases as advisory locks of one session, which is opened on demand and again after a loss.

    The server releases a session's locks when the session ends: immediately when this process dies,
    and within a minute when its machine does. A session that fails to release a lock is closed, and
    the other leases of this process end with it. An operation may then run twice, which the
    records' versions make harmless; a lock that stayed would keep it from running at all.
    """

    def __init__(self, connect: Callable[[], Awaitable[Session]]) -> None:
        self._connect = connect
        self._names: set[str] = set()
        self._lock = asyncio.Lock()
        self._session: Session | None = None

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        if name in self._names:  # the server would grant the session its lock again
            yield False
            return
        self._names.add(name)
        key, may_be_held = _lock_number(name), True  # also if the answer to taking it is lost
        try:
            # to completion: a cancel request could hit the session's next statement
            may_be_held = await run_to_completion(self._acquire(key))
            yield may_be_held
        finally:
            try:
                if may_be_held:  # else the server would log a warning
                    await run_to_completion(self._release(key))
            finally:
                self._names.discard(name)

    async def close(self) -> None:
        """Release all leases. Never raises."""
        async with self._lock:
            await self._close_session()

    async def _acquire(self, key: int) -> bool:
        with translate_errors():
            async with asyncio.timeout(POOL_TIMEOUT):  # callers before this one wait for the server
                await self._lock.acquire()
            try:
                session = await self._open()
                return bool(await session.fetchval("SELECT pg_try_advisory_lock($1)", key))
            finally:
                self._lock.release()

    async def _release(self, key: int) -> None:
        """Release the lock. For a lock that is not held the server only issues a warning."""
        if self._session is None:  # do not queue behind callers that acquire
            return
        async with self._lock:
            session = self._live_session()
            if session is None:
                return
            try:
                await session.fetchval("SELECT pg_advisory_unlock($1)", key)
            except DRIVER_ERRORS:
                await self._close_session()

    async def _open(self) -> Session:
        self._session = self._live_session() or await self._connect()
        return self._session

    def _live_session(self) -> Session | None:
        is_closed = self._session is None or self._session.is_closed()
        return None if is_closed else self._session

    async def _close_session(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.close()


def _lock_number(name: str) -> int:
    """Return the 64-bit number of the advisory lock for the lease."""
    return int.from_bytes(sha256(f"pgvend lease {name}".encode()).digest()[:8], signed=True)
