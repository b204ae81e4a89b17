"""What B sees of A, and what reaches A's sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from tests.security.attack import Attack, Attempt
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, ROLE, Outcome
from tests.security.stage import WORD, Stage

_TO_ALL = dict.fromkeys((EMBEDDED, POSTGRES, ROLE, NONE), Outcome.VISIBLE)
_IN_NONE = {NONE: Outcome.VISIBLE}

_SETTING = "ALTER DATABASE {a_database} SET application_name = 'of a'"
_NO_SETTING = "ALTER DATABASE {a_database} RESET application_name"


@asynccontextmanager
async def _at_work(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """A, in the middle of something."""
    async with stage.as_a() as session:
        await session.execute(stage.filled(_SETTING))
        await session.fetch(f"SELECT pg_advisory_lock(42), '{WORD}'")
        try:
            yield session
        finally:
            async with stage.as_a() as tidying:  # the other one may have been ended
                await tidying.execute(stage.filled(_NO_SETTING))


def _sees(query: str) -> Attempt:
    """Whether the query, into which A's names are put as texts, tells B anything meanwhile."""

    async def attempt(stage: Stage) -> Outcome:
        asked = query.format(a=f"'{stage.a.user}'", a_database=f"'{stage.a.database}'")
        async with _at_work(stage), stage.as_b() as session:
            return Outcome.VISIBLE if await session.fetchval(asked) else Outcome.STOPPED

    return attempt


def _sees_session(what: str) -> Attempt:
    return _sees(f"SELECT {what} FROM pg_stat_activity WHERE usename = {{a}}")


def _ends(function: str) -> Attempt:
    async def attempt(stage: Stage) -> Outcome:
        async with _at_work(stage) as working, stage.as_b() as session:
            ended = await session.fetchval(
                f"SELECT {function}(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = $2",
                working.get_server_pid(),
                stage.a.user,
            )
        return Outcome.POSSIBLE if ended else Outcome.STOPPED

    return attempt


async def _hears(stage: Stage) -> Outcome:
    async for listening in _everywhere(stage):
        async with stage.as_a() as session:
            if await _is_heard(listening, session):
                return Outcome.VISIBLE
    return Outcome.STOPPED


async def _tells(stage: Stage) -> Outcome:
    async for session in _everywhere(stage):
        async with stage.as_a() as listening:
            if await _is_heard(listening, session):
                return Outcome.POSSIBLE
    return Outcome.STOPPED


async def _is_heard(listening: asyncpg.Connection, session: asyncpg.Connection) -> bool:
    heard = asyncio.Event()
    await listening.add_listener("news", lambda *_: heard.set())
    await session.execute("NOTIFY news")
    await listening.execute("SELECT 1")  # what has come is told before this is answered
    return heard.is_set()


async def _holds_locks_of_a(stage: Stage) -> Outcome:
    async for holding in _everywhere(stage):
        await holding.execute("SELECT pg_advisory_lock(42)")
        async with stage.as_a() as session:
            if not await session.fetchval("SELECT pg_try_advisory_lock(42)"):
                return Outcome.POSSIBLE
    return Outcome.STOPPED


async def _everywhere(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """B in its own database, then in A's, if it gets there."""
    for opened in (stage.as_b(), stage.as_guest()):
        async with opened as session:
            yield session


_CROSSING = (
    Attack("end A's sessions", _ends("pg_terminate_backend"), {NONE: Outcome.POSSIBLE}),
    Attack("cancel A's statements", _ends("pg_cancel_backend"), {NONE: Outcome.POSSIBLE}),
    Attack("read A's statements", _sees_session("query LIKE '%crown%' OR NULL"), _IN_NONE),
    Attack("hear A's notifications", _hears, _IN_NONE),
    Attack("send notifications to A", _tells, {NONE: Outcome.POSSIBLE}),
    Attack("take A's advisory locks", _holds_locks_of_a, {NONE: Outcome.POSSIBLE}),
)

_SEEN = (
    Attack("see where A logs in from", _sees_session("client_addr IS NOT NULL OR NULL"), _IN_NONE),
    Attack(
        "see how large A's database is",
        _sees("SELECT pg_database_size(datname) FROM pg_database WHERE datname = {a_database}"),
        _IN_NONE,
    ),
    Attack("see that A has a session, and its application's name", _sees_session("pid"), _TO_ALL),
    Attack(
        "see A's names",
        _sees(
            "SELECT datname FROM pg_database WHERE datname = {a_database} "
            "UNION SELECT rolname FROM pg_roles WHERE rolname = {a}"
        ),
        _TO_ALL,
    ),
    Attack(
        "see what A set for its database by `ALTER DATABASE`",
        _sees(
            "SELECT setconfig FROM pg_db_role_setting "
            "WHERE 'application_name=of a' = ANY (setconfig)"
        ),
        _TO_ALL,
    ),
    Attack(
        "see pgvend's mark on A, with its id",
        _sees("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = {a}"),
        _TO_ALL | {NONE: Outcome.UNTRIED},
    ),
    Attack(
        "see how much A reads and writes",
        _sees("SELECT xact_commit FROM pg_stat_database WHERE datname = {a_database}"),
        _TO_ALL,
    ),
    Attack(
        "see that A holds locks",
        _sees(
            "SELECT locktype FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE usename = {a}"
        ),
        _TO_ALL,
    ),
)

ATTACKS = tuple(replace(attack, crosses=True) for attack in _CROSSING) + _SEEN
