"""Attacks that use up the server's transaction ids, or hold back their reuse."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import asyncpg

from adapters.postgres.provider import PostgresProvider
from domain.xid_usage import Burning
from tests.security.attack import Attack
from tests.security.attacks.lock_queues import tried
from tests.security.outcome import NONE, PROJECT, ROLE, Outcome
from tests.security.stage import Stage
from tests.support.guard_runs import QUICK, Watch, guarded
from tests.support.polling import until

_NEONS = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)

_BURN = """
DO $$ BEGIN
    FOR i IN 1..100000000 LOOP
        BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END LOOP;
END $$
"""

_SCARCE = replace(QUICK, burnt=1, scarce=1, kept=100, burning=Burning(fast=100, accused=2))
"""Limits of the guard as if few ids were left."""


async def _burns_ids(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        await session.execute("CREATE TABLE IF NOT EXISTS burnt (id int)")
    return await _is_ended(stage, _BURN)


async def _keeps_ids(stage: Stage) -> Outcome:
    """Hold back the ids while A uses some."""
    async with stage.as_b() as holding:
        await holding.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class"
        )
        async with stage.as_a() as session:
            for _ in range(200):
                await session.execute("SELECT pg_current_xact_id()")
        async with _guarded(stage):
            return await _ends(holding)


async def _is_ended(stage: Stage, statement: str) -> Outcome:
    async with stage.as_b() as session:
        task = asyncio.create_task(tried(session, statement))
        try:
            async with _guarded(stage):
                return await _ends(session)
        finally:
            session.terminate()
            await asyncio.gather(task, return_exceptions=True)


def _guarded(stage: Stage) -> AbstractAsyncContextManager[Watch]:
    assert isinstance(stage.provider, PostgresProvider)
    return guarded(stage.provider, _SCARCE, pace=0.2)


async def _ends(session: asyncpg.Connection) -> Outcome:
    async def is_over() -> bool:
        return bool(session.is_closed())

    try:
        await until(is_over)
    except TimeoutError:
        return Outcome.POSSIBLE
    return Outcome.STOPPED


ATTACKS = (
    Attack("use up the server's transaction ids", _burns_ids, _NEONS),
    Attack("hold back the reuse of the server's transaction ids", _keeps_ids, _NEONS),
)
