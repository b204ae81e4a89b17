"""Attacks on the limits of a tenant."""

import os
from contextlib import AsyncExitStack

import asyncpg
import pytest

from adapters.embedded.cluster import LOG_LIMIT
from ports.driven.size_limiter import SizeLimiter
from tests.security.attack import Attack, create_attacks, in_own_database, on_own_objects
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import SESSION_LIMIT, Stage

_UNLIMITED_ON_NEON = {NONE: Outcome.POSSIBLE, PROJECT: Outcome.OWN}
_UNTRIED_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)  # the log is Neon's
_OWN = dict.fromkeys((EMBEDDED, POSTGRES, ROLE, NONE, PROJECT), Outcome.OWN)

_LOG_LINES = f"""
DO $$ BEGIN
    FOR i IN 0..{LOG_LIMIT // 10_000} LOOP RAISE LOG '%', repeat('of b ', 2000); END LOOP;
    FOR i IN 1..10 LOOP RAISE LOG '%', repeat('of b ', 1600000); END LOOP;
END $$
"""


async def _open_sessions(stage: Stage) -> Outcome:
    async with AsyncExitStack() as sessions:
        try:
            for _ in range(SESSION_LIMIT + 1):
                await sessions.enter_async_context(stage.as_b())
        except asyncpg.TooManyConnectionsError:
            async with stage.as_a():
                return Outcome.STOPPED
    return stage.success


async def _write_over_limit(stage: Stage) -> Outcome:
    """Write over the size limit: sessions begin read-only, and may change that to free space."""
    assert isinstance(stage.provider, SizeLimiter)
    await stage.provider.set_read_only(stage.b_request.tenant)
    try:
        async with stage.as_b() as session:
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await session.execute("CREATE TABLE too_much ()")
            await session.execute("SET default_transaction_read_only = off")
            await session.execute("CREATE TABLE too_much (); DROP TABLE too_much")
    finally:
        await stage.provider.clear_read_only(stage.b_request.tenant)
    return stage.success


async def _fill_log(stage: Stage) -> Outcome:
    """Fill the log, which pgvend keeps short on a server that it runs."""
    assert stage.log is not None
    async with stage.as_b() as session:
        await session.execute(_LOG_LINES)
    return Outcome.STOPPED if os.stat(stage.log).st_size <= LOG_LIMIT else Outcome.POSSIBLE


_LIMITS = {
    "raise the limit of its sessions": "ALTER ROLE {b} CONNECTION LIMIT -1",
    "extend its own password's validity": "ALTER ROLE {b} VALID UNTIL 'infinity'",
    "raise the limit of its temporary files": "SET temp_file_limit = -1",
}
_OWN_DATABASE = {
    "raise its database's connection limit, on which nothing relies": (
        "ALTER DATABASE {b_database} CONNECTION LIMIT -1"
    ),
    "make its database a template": "ALTER DATABASE {b_database} IS_TEMPLATE true",
    "grant everybody access to its own database": "GRANT ALL ON DATABASE {b_database} TO PUBLIC",
    "raise its memory settings": "SET work_mem = '2GB'",
}

ATTACKS = (
    Attack("open more sessions than its limit", _open_sessions, _UNLIMITED_ON_NEON),
    *create_attacks(in_own_database, _LIMITS),
    *create_attacks(on_own_objects, _OWN_DATABASE, _OWN),
    Attack(
        "write after it became read-only for its size",
        _write_over_limit,
        dict.fromkeys((EMBEDDED, POSTGRES, ROLE), Outcome.POSSIBLE)
        | dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED),
    ),
    Attack(
        "fill the disk through the server's log",
        _fill_log,
        {POSTGRES: Outcome.POSSIBLE} | _UNTRIED_ON_NEON,
    ),
)
