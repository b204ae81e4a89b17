"""Faults at every moment, and concurrent actions: the state is consistent afterwards."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement, count

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import PgvendError
from tests.support.actions import ACTS, SALES, Act
from tests.support.consistency import assert_in_line, settle
from tests.support.memory_faults import BLOWS, Blow, Dawdling, Killed, troubled
from tests.support.memory_service import GRACE, Memory

AT_ONCE, AFTER_ITS_END, LONG_AFTER = timedelta(), timedelta(minutes=90), timedelta(days=9)

GAMES = 6
"""Random interleavings for each pair."""


async def begun() -> tuple[Memory, str]:
    """Return a service, and the id of one of its databases."""
    memory = Memory()
    await memory.occupy("Taken")
    return memory, (await memory.vend()(replace(SALES, nickname="First"))).database.id


async def assert_ends_in_line(service: Memory) -> None:
    await settle(service, GRACE)
    await assert_in_line(service, GRACE)


@pytest.mark.parametrize("later", [AT_ONCE, AFTER_ITS_END, LONG_AFTER], ids=str)
@pytest.mark.parametrize("fault_kind", BLOWS.values(), ids=BLOWS)
@pytest.mark.parametrize("action", ACTS.values(), ids=ACTS)
async def test_a_process_that_fails_at_any_moment_leaves_a_consistent_state(
    action: Act, fault_kind: Blow, later: timedelta
) -> None:
    for at in count(1):
        if not await is_struck(action, fault_kind, at, later):
            break

    assert at > 3, "the action has too few moments"


async def is_struck(action: Act, fault_kind: Blow, at: int, later: timedelta) -> bool:
    """Perform the action with a fault at that moment. Return whether it reached that moment. Raises
    AssertionError if the state is inconsistent afterwards."""
    memory, database_id = await begun()
    fate = fault_kind.fate(at)
    with suppress(PgvendError, Killed, asyncio.CancelledError, ValueError):
        await action(troubled(memory, fate), database_id)
    memory.trouble = no_trouble
    service = memory.restarted()
    service.clock.moment += later
    await assert_ends_in_line(service)
    return fate.has_struck


@pytest.mark.parametrize(
    "other_process", [Memory.replica, Memory.restarted], ids=["leases", "lost-leases"]
)
@pytest.mark.parametrize(("one", "other"), [*combinations_with_replacement(ACTS, 2)])
async def test_two_concurrent_actions_leave_a_consistent_state(
    one: str, other: str, other_process: Callable[[Memory], Memory]
) -> None:
    """Leases avoid duplicate work; without them, the versions of records prevent conflicts."""
    for seed in range(GAMES):
        memory, database_id = await begun()
        process = troubled(memory, Dawdling(seed))
        rival = replace(process, memory=other_process(process.memory))

        outcomes = await asyncio.gather(
            ACTS[one](process, database_id), ACTS[other](rival, database_id), return_exceptions=True
        )

        assert all(isinstance(outcome, PgvendError | None) for outcome in outcomes), outcomes
        memory.trouble = no_trouble
        await assert_ends_in_line(memory)
