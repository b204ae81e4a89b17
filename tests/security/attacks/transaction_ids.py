"""Attacks that use up the server's transaction ids, or hold back their reuse."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import asyncpg

from adapters.postgres.provider import PostgresProvider
from domain.xid_usage import XidUsage
from tests.security.attack import Attack, try_statement
from tests.security.outcome import NONE, PROJECT, ROLE, Outcome
from tests.security.stage import Stage
from tests.support.guard_runs import QUICK_POLICY, GuardRun, run_provider_guard
from tests.support.polling import wait_until

_UNTRIED_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)

_USE_UP_IDS = """
DO $$ BEGIN
    FOR i IN 1..100000000 LOOP
        BEGIN INSERT INTO used_ids VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END LOOP;
END $$
"""

_SCARCE_IDS = replace(
    QUICK_POLICY,
    high_age=1,
    critical_age=1,
    max_held_age=100,
    xid_usage=XidUsage(min_ids_used=100, min_hits=2),
)
"""Limits of the guard as if few ids were left."""


async def _use_up_ids(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        await session.execute("CREATE TABLE IF NOT EXISTS used_ids (id int)")
    return await _run_until_ended(stage, _USE_UP_IDS)


async def _hold_back_ids(stage: Stage) -> Outcome:
    """Hold back the ids while A uses some."""
    async with stage.as_b() as holding:
        await holding.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class"
        )
        async with stage.as_a() as session:
            for _ in range(200):
                await session.execute("SELECT pg_current_xact_id()")
        async with _run_guard(stage):
            return await _wait_until_ended(holding)


async def _run_until_ended(stage: Stage, statement: str) -> Outcome:
    async with stage.as_b() as session:
        task = asyncio.create_task(try_statement(session, statement))
        try:
            async with _run_guard(stage):
                return await _wait_until_ended(session)
        finally:
            session.terminate()
            await asyncio.gather(task, return_exceptions=True)


def _run_guard(stage: Stage) -> AbstractAsyncContextManager[GuardRun]:
    assert isinstance(stage.provider, PostgresProvider)
    return run_provider_guard(stage.provider, _SCARCE_IDS, interval=0.2)


async def _wait_until_ended(session: asyncpg.Connection) -> Outcome:
    async def is_closed() -> bool:
        return bool(session.is_closed())

    try:
        await wait_until(is_closed)
    except TimeoutError:
        return Outcome.POSSIBLE
    return Outcome.STOPPED


ATTACKS = (
    Attack("use up the server's transaction ids", _use_up_ids, _UNTRIED_ON_NEON),
    Attack("hold back the reuse of the server's transaction ids", _hold_back_ids, _UNTRIED_ON_NEON),
)
