"""Attacks on A's sessions, and on information about A."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from tests.security.attack import Attack, Attempt, create_attacks
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, ROLE, Outcome
from tests.security.stage import Stage
from tests.security.tenants import SECRET_TEXT

_VISIBLE_TO_ALL = dict.fromkeys((EMBEDDED, POSTGRES, ROLE, NONE), Outcome.VISIBLE)
_VISIBLE, _POSSIBLE = {NONE: Outcome.VISIBLE}, {NONE: Outcome.POSSIBLE}

_SETTING = "ALTER DATABASE {a_database} SET application_name = 'of a'"
_NO_SETTING = "ALTER DATABASE {a_database} RESET application_name"


@asynccontextmanager
async def _working_session(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """A session of A that holds a lock and ran a statement."""
    async with stage.as_a() as session:
        await session.execute(stage.fill_names(_SETTING))
        await session.fetch(f"SELECT pg_advisory_lock(42), '{SECRET_TEXT}'")
        try:
            yield session
        finally:
            async with stage.as_a() as other_session:  # the attack may have ended the other session
                await other_session.execute(stage.fill_names(_NO_SETTING))


def _query_about_a(query: str) -> Attempt:
    """Check whether B's query, with A's names as texts, returns anything while A is connected."""

    async def attempt(stage: Stage) -> Outcome:
        statement = query.format(a=f"'{stage.a.user}'", a_database=f"'{stage.a.database}'")
        async with _working_session(stage), stage.as_b() as session:
            return Outcome.VISIBLE if await session.fetchval(statement) else Outcome.STOPPED

    return attempt


def _end_session(function: str) -> Attempt:
    async def attempt(stage: Stage) -> Outcome:
        async with _working_session(stage) as working, stage.as_b() as session:
            ended = await session.fetchval(
                f"SELECT {function}(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = $2",
                working.get_server_pid(),
                stage.a.user,
            )
        return Outcome.POSSIBLE if ended else Outcome.STOPPED

    return attempt


def _notify(receives: bool, outcome: Outcome) -> Attempt:
    """Check whether B receives A's notifications, or A receives B's."""

    async def attempt(stage: Stage) -> Outcome:
        async for of_b in _sessions_of_b(stage):
            async with stage.as_a() as of_a:
                listening, notifying = (of_b, of_a) if receives else (of_a, of_b)
                if await _is_received(listening, notifying):
                    return outcome
        return Outcome.STOPPED

    return attempt


async def _is_received(listening: asyncpg.Connection, notifying: asyncpg.Connection) -> bool:
    received = asyncio.Event()
    await listening.add_listener("news", lambda *_: received.set())
    await notifying.execute("NOTIFY news")
    await listening.execute("SELECT 1")  # notifications arrive before the answer
    return received.is_set()


async def _take_locks_of_a(stage: Stage) -> Outcome:
    async for holding in _sessions_of_b(stage):
        await holding.execute("SELECT pg_advisory_lock(42)")
        async with stage.as_a() as session:
            if not await session.fetchval("SELECT pg_try_advisory_lock(42)"):
                return Outcome.POSSIBLE
    return Outcome.STOPPED


async def _sessions_of_b(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """Sessions of B in its own database, then in A's if B can log in to it."""
    for opened in (stage.as_b(), stage.as_b_in_a()):
        async with opened as session:
            yield session


_SESSIONS = "SELECT {} FROM pg_stat_activity WHERE usename = {{a}}"

_STATEMENTS = {"read A's statements": _SESSIONS.format("query LIKE '%crown%' OR NULL")}
_VISIBLE_ON_NONE = {
    "see where A logs in from": _SESSIONS.format("client_addr IS NOT NULL OR NULL"),
    "see how large A's database is": (
        "SELECT pg_database_size(datname) FROM pg_database WHERE datname = {a_database}"
    ),
}
_VISIBLE_EVERYWHERE = {
    "see that A has a session, and its application name": _SESSIONS.format("pid"),
    "see A's names": (
        "SELECT datname FROM pg_database WHERE datname = {a_database} "
        "UNION SELECT rolname FROM pg_roles WHERE rolname = {a}"
    ),
    "see A's settings of its database by `ALTER DATABASE`": (
        "SELECT setconfig FROM pg_db_role_setting WHERE 'application_name=of a' = ANY (setconfig)"
    ),
    "see how much A reads and writes": (
        "SELECT xact_commit FROM pg_stat_database WHERE datname = {a_database}"
    ),
    "see that A holds locks": (
        "SELECT locktype FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE usename = {a}"
    ),
}
_MARK = {
    "see pgvend's mark on A, with its id": (
        "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = {a}"
    )
}

_ON_SESSIONS = (
    Attack("end A's sessions", _end_session("pg_terminate_backend"), _POSSIBLE),
    Attack("cancel A's statements", _end_session("pg_cancel_backend"), _POSSIBLE),
    Attack("hear A's notifications", _notify(True, Outcome.VISIBLE), _VISIBLE),
    Attack("send notifications to A", _notify(False, Outcome.POSSIBLE), _POSSIBLE),
    Attack("take A's advisory locks", _take_locks_of_a, _POSSIBLE),
)

ATTACKS = (
    *(replace(attack, crosses_tenants=True) for attack in _ON_SESSIONS),
    *create_attacks(_query_about_a, _STATEMENTS, _VISIBLE, crosses_tenants=True),
    *create_attacks(_query_about_a, _VISIBLE_ON_NONE, _VISIBLE),
    *create_attacks(_query_about_a, _VISIBLE_EVERYWHERE, _VISIBLE_TO_ALL),
    *create_attacks(_query_about_a, _MARK, _VISIBLE_TO_ALL | {NONE: Outcome.UNTRIED}),
)
