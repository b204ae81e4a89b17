"""Faults at every moment, and concurrent actions: the state is consistent afterwards."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement, count

import pytest

from adapters.memory.provider import no_fault
from domain.errors import PgvendError
from tests.support.actions import ACTIONS, SALES, Action
from tests.support.consistency import assert_consistent, settle
from tests.support.memory_faults import (
    FAULT_KINDS,
    FaultKind,
    Killed,
    RandomYields,
    create_faulty_process,
)
from tests.support.memory_service import GRACE, MemoryService

AT_ONCE, AFTER_ITS_END, LONG_AFTER = timedelta(), timedelta(minutes=90), timedelta(days=9)

INTERLEAVINGS = 6
"""Random interleavings for each pair."""


async def create_service() -> tuple[MemoryService, str]:
    """Return a service, and the id of one of its databases."""
    memory = MemoryService()
    await memory.occupy("Taken")
    return memory, (await memory.create_database()(replace(SALES, nickname="First"))).database.id


async def assert_converges(service: MemoryService) -> None:
    await settle(service, GRACE)
    await assert_consistent(service, GRACE)


@pytest.mark.parametrize("later", [AT_ONCE, AFTER_ITS_END, LONG_AFTER], ids=str)
@pytest.mark.parametrize("fault_kind", FAULT_KINDS.values(), ids=FAULT_KINDS)
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
async def test_a_process_that_fails_at_any_moment_leaves_a_consistent_state(
    action: Action, fault_kind: FaultKind, later: timedelta
) -> None:
    for at in count(1):
        if not await crash_at(action, fault_kind, at, later):
            break

    assert at > 3, "the action has too few moments"


async def crash_at(action: Action, fault_kind: FaultKind, at: int, later: timedelta) -> bool:
    """Perform the action with a fault at that moment. Return whether it reached that moment. Raises
    AssertionError if the state is inconsistent afterwards."""
    memory, database_id = await create_service()
    fault = fault_kind.fault(at)
    with suppress(PgvendError, Killed, asyncio.CancelledError, ValueError):
        await action(create_faulty_process(memory, fault), database_id)
    memory.fault_hook = no_fault
    service = memory.restarted()
    service.clock.moment += later
    await assert_converges(service)
    return fault.has_failed


@pytest.mark.parametrize(
    "other_process", [MemoryService.replica, MemoryService.restarted], ids=["leases", "lost-leases"]
)
@pytest.mark.parametrize(("one", "other"), [*combinations_with_replacement(ACTIONS, 2)])
async def test_two_concurrent_actions_leave_a_consistent_state(
    one: str, other: str, other_process: Callable[[MemoryService], MemoryService]
) -> None:
    """Leases avoid duplicate work; without them, the versions of records prevent conflicts."""
    for seed in range(INTERLEAVINGS):
        memory, database_id = await create_service()
        process = create_faulty_process(memory, RandomYields(seed))
        rival = replace(process, memory=other_process(process.memory))

        outcomes = await asyncio.gather(
            ACTIONS[one](process, database_id),
            ACTIONS[other](rival, database_id),
            return_exceptions=True,
        )

        assert all(isinstance(outcome, PgvendError | None) for outcome in outcomes), outcomes
        memory.fault_hook = no_fault
        await assert_converges(memory)
