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

_POSSIBLE_ON_SHARED = dict.fromkeys((EMBEDDED, POSTGRES, ROLE, NONE), Outcome.POSSIBLE)
_UNTRIED_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)  # behind Neon's proxy

_TAKE_LOCKS = """
LOCK TABLE pg_database, pg_roles, pg_db_role_setting IN ACCESS SHARE MODE;
SELECT pg_advisory_lock(i) FROM generate_series(1, 100) AS i;
GRANT USAGE ON SCHEMA public TO {a};
ALTER DATABASE {b_database} SET application_name = 'of b';
ALTER ROLE {b} SET application_name = 'of b';
COMMENT ON DATABASE {b_database} IS 'of b'
"""

_ENDED = (
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.ConnectionDoesNotExistError,
    ConnectionError,
)
"""What B gets when there is no place, or a guard ends its session. It goes on with the next one."""

_LONG_ANSWER = "SELECT repeat('x', 1000) FROM pg_class a, pg_class b, pg_class c"


async def _fail_logins(stage: Stage) -> Outcome:
    for _ in range(2 * SESSION_LIMIT):
        with suppress(Refused):
            async with stage.as_b(host=stage.a.host, port=stage.a.port, user=stage.a.user):
                return Outcome.POSSIBLE
    async with stage.as_a():
        return Outcome.STOPPED


async def _leave_logins_unfinished(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        connections = int(await session.fetchval("SHOW max_connections"))
    async with AsyncExitStack() as logins:
        for login in await asyncio.gather(*[_begin_login(stage) for _ in range(connections)]):
            logins.callback(login.close)
        try:
            async with stage.as_a():
                return Outcome.STOPPED
        except asyncpg.TooManyConnectionsError:
            return Outcome.POSSIBLE


async def _begin_login(stage: Stage) -> asyncio.StreamWriter:
    """Begin a login, and stop at the request for the password."""
    reader, writer = await asyncio.open_connection(stage.b.host, stage.b.port)
    parameters = f"user\0{stage.b.user}\0database\0{stage.b.database}\0\0".encode()
    writer.write(struct.pack("!ii", 8 + len(parameters), 196608) + parameters)
    await reader.read(1)
    return writer


_log_in_to_a = in_neighbours_database("SELECT 1")
_drop_a = outside_transaction("DROP DATABASE {a_database}")


async def _repeat_refused_requests(stage: Stage) -> Outcome:
    """Repeat refused logins to A's database, and refused commands about it."""
    async with AsyncExitStack() as clients:
        for _ in range(SESSION_LIMIT):
            await clients.enter_async_context(_repeated_attempt(stage, _log_in_to_a))
            await clients.enter_async_context(_repeated_attempt(stage, _drop_a))
        for _ in range(10):
            async with stage.as_a() as session:
                await session.execute("SELECT 1")
    return Outcome.STOPPED


@asynccontextmanager
async def _repeated_attempt(stage: Stage, attempt: Attempt) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            with suppress(Refused, *_ENDED):
                await attempt(stage)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _fill_lock_table(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        with suppress(asyncpg.OutOfMemoryError):
            await session.execute("SELECT pg_advisory_lock(i) FROM generate_series(1, 1e7::int) i")
        try:
            async with stage.as_a() as other, other.transaction():
                await other.execute("CREATE TEMPORARY TABLE of_a (id int PRIMARY KEY)")
                return Outcome.STOPPED
        except asyncpg.OutOfMemoryError:
            return Outcome.POSSIBLE


async def _hold_locks(stage: Stage) -> Outcome:
    """Check that neither a creation nor a deletion waits for B's locks."""
    async with stage.as_b() as session:
        await session.execute("BEGIN")
        await session.execute(stage.fill_names(_TAKE_LOCKS))
        async with stage.temporary_tenant():
            pass
    return Outcome.STOPPED


async def _leave_answers_unread(stage: Stage) -> Outcome:
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
        await wait_until(partial(_waits_for_client, observer, pid))
        cast("Any", session)._transport.pause_reading()
        await wait_until(partial(_waits_for_client, observer, pid))
        try:
            yield
        finally:
            session.terminate()
            await asyncio.wait([answer])
            answer.exception()


async def _waits_for_client(observer: asyncpg.Connection, pid: int) -> bool:
    query = "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = $1"
    return bool(await observer.fetchval(query, pid))


ATTACKS = (
    Attack("use up A's sessions with failing logins", _fail_logins),
    Attack(
        "use up all connections with unfinished logins",
        _leave_logins_unfinished,
        _POSSIBLE_ON_SHARED | _UNTRIED_ON_NEON,
    ),
    Attack("block A by repeated refused logins and commands", _repeat_refused_requests),
    Attack("block pgvend's creations and deletions by holding locks", _hold_locks),
    Attack(
        "block pgvend's deletions by leaving answers unread",
        _leave_answers_unread,
        dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED),
    ),
    Attack("fill the server's lock table", _fill_lock_table, _POSSIBLE_ON_SHARED),
)
