"""Attacks that obstruct A or pgvend."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

import asyncpg

from tests.security.attack import Attack, Attempt, in_neighbours_database, outside_transaction
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import SESSION_LIMIT, Refused, Stage
from tests.support.polling import wait_until

_SHARED = dict.fromkeys((EMBEDDED, POSTGRES, ROLE, NONE), Outcome.POSSIBLE)
_NEONS = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)  # behind Neon's proxy

_HOLDING_ON = """
LOCK TABLE pg_database, pg_roles, pg_db_role_setting IN ACCESS SHARE MODE;
SELECT pg_advisory_lock(i) FROM generate_series(1, 100) AS i;
GRANT USAGE ON SCHEMA public TO {a};
ALTER DATABASE {b_database} SET application_name = 'of b';
ALTER ROLE {b} SET application_name = 'of b';
COMMENT ON DATABASE {b_database} IS 'of b'
"""

_LONG_ANSWER = "SELECT repeat('x', 1000) FROM pg_class a, pg_class b, pg_class c"


async def _takes_places_by_failing(stage: Stage) -> Outcome:
    for _ in range(2 * SESSION_LIMIT):
        with suppress(Refused):
            async with stage.as_b(host=stage.a.host, port=stage.a.port, user=stage.a.user):
                return Outcome.POSSIBLE
    async with stage.as_a():
        return Outcome.STOPPED


async def _takes_places_before_logging_in(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        places = int(await session.fetchval("SHOW max_connections"))
    async with AsyncExitStack() as logins:
        for login in await asyncio.gather(*[_begin_login(stage) for _ in range(places)]):
            logins.callback(login.close)
        try:
            async with stage.as_a():
                return Outcome.STOPPED
        except asyncpg.TooManyConnectionsError:
            return Outcome.POSSIBLE


async def _begin_login(stage: Stage) -> asyncio.StreamWriter:
    """Begin a login, and stop at the request for the password."""
    reader, writer = await asyncio.open_connection(stage.b.host, stage.b.port)
    words = f"user\0{stage.b.user}\0database\0{stage.b.database}\0\0".encode()
    writer.write(struct.pack("!ii", 8 + len(words), 196608) + words)
    await reader.read(1)
    return writer


_log_in_to_a = in_neighbours_database("SELECT 1")
_drop_a = outside_transaction("DROP DATABASE {a_database}")


async def _repeats_refused_requests(stage: Stage) -> Outcome:
    """Repeat refused logins to A's database, and refused commands about it."""
    async with AsyncExitStack() as clients:
        for _ in range(SESSION_LIMIT):
            await clients.enter_async_context(_repeating(stage, _log_in_to_a))
            await clients.enter_async_context(_repeating(stage, _drop_a))
        for _ in range(10):
            async with stage.as_a() as session:
                await session.execute("SELECT 1")
    return Outcome.STOPPED


@asynccontextmanager
async def _repeating(stage: Stage, attempt: Attempt) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            with suppress(Refused, asyncpg.TooManyConnectionsError):
                await attempt(stage)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _takes_all_locks(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        with suppress(asyncpg.OutOfMemoryError):
            await session.execute("SELECT pg_advisory_lock(i) FROM generate_series(1, 1e7::int) i")
        try:
            async with stage.as_a() as other, other.transaction():
                await other.execute("CREATE TEMPORARY TABLE passing (id int PRIMARY KEY)")
                return Outcome.STOPPED
        except asyncpg.OutOfMemoryError:
            return Outcome.POSSIBLE


async def _holds_on(stage: Stage) -> Outcome:
    """Check that neither a creation nor a deletion waits for B's locks."""
    async with stage.as_b() as session:
        await session.execute("BEGIN")
        await session.execute(stage.fill_names(_HOLDING_ON))
        async with stage.temporary_tenant():
            pass
    return Outcome.STOPPED


async def _reads_nothing(stage: Stage) -> Outcome:
    """Leave answers unread: such a session does not react to the deletion of any database."""
    async with AsyncExitStack() as sessions, stage.as_b() as observer:
        for _ in range(SESSION_LIMIT - 1):
            await sessions.enter_async_context(_unread_answer(stage, observer))
        async with stage.temporary_tenant():
            pass
    return Outcome.STOPPED


@asynccontextmanager
async def _unread_answer(stage: Stage, observer: asyncpg.Connection) -> AsyncIterator[None]:
    async with stage.as_b() as session:
        answer = asyncio.create_task(session.fetch(_LONG_ANSWER))
        pid = session.get_server_pid()
        await wait_until(partial(_is_waited_for, observer, pid))
        cast("Any", session)._transport.pause_reading()
        await wait_until(partial(_is_waited_for, observer, pid))
        try:
            yield
        finally:
            session.terminate()
            await asyncio.wait([answer])
            answer.exception()


async def _is_waited_for(observer: asyncpg.Connection, pid: int) -> bool:
    waiting = "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = $1"
    return bool(await observer.fetchval(waiting, pid))


ATTACKS = (
    Attack("use up A's sessions with failing logins", _takes_places_by_failing),
    Attack(
        "use up all connections with unfinished logins",
        _takes_places_before_logging_in,
        _SHARED | _NEONS,
    ),
    Attack("block A by repeated refused logins and commands", _repeats_refused_requests),
    Attack("block pgvend's creations and deletions by holding locks", _holds_on),
    Attack(
        "block pgvend's deletions by leaving answers unread",
        _reads_nothing,
        dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED),
    ),
    Attack("fill the server's lock table", _takes_all_locks, _SHARED),
)
