"""Faults at every moment, and concurrent actions, of spares: none is lost, orphaned or shared."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations_with_replacement, count

import pytest

from adapters.memory.provider import no_fault
from domain.errors import PgvendError
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.actions import KEYED, SALES, TAKEN
from tests.support.consistency import assert_consistent, settle
from tests.support.memory_faults import (
    FAULT_KINDS,
    FaultKind,
    Killed,
    Process,
    RandomYields,
    create_faulty_process,
)
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN
from tests.support.spares import create_pooled

SPARES = 2

Action = Callable[[Process], Awaitable[ProvisionedDatabase | None]]
"""Performs an action with a process, and returns the database that a caller gets, if one does."""


async def claim(process: Process) -> ProvisionedDatabase:
    create = process.memory.create_database(login_check=process.login_check)
    return await create(replace(SALES, ttl=None))


async def claim_with_a_key(process: Process) -> ProvisionedDatabase:
    create = process.memory.create_database(login_check=process.login_check)
    return await create(replace(KEYED, ttl=None, caller=ANN))


async def claim_a_name_in_use(process: Process) -> ProvisionedDatabase:
    create = process.memory.create_database(login_check=process.login_check)
    return await create(replace(TAKEN, ttl=None))


async def claim_a_broken_spare(process: Process) -> ProvisionedDatabase:
    spare = (await process.memory.spares())[0]
    process.memory.provider._databases.pop(spare.names.database, None)
    return await claim(process)


async def request_and_finish(process: Process) -> None:
    create = process.memory.create_database(login_check=process.login_check)
    requested = await create.request(replace(KEYED, ttl=None, caller=ANN))
    await create.finish(requested.id)


async def refill(process: Process) -> None:
    with suppress(PgvendError):
        await claim(process)
    await process.memory.maintain_spares(process.login_check)()


async def replace_spares(process: Process) -> None:
    process.memory.pool.settings_shape = "other"
    await process.memory.maintain_spares(process.login_check)()


async def reconcile(process: Process) -> None:
    await process.memory.reconcile(GRACE, login_check=process.login_check)()


ACTIONS: dict[str, Action] = {
    "claim": claim,
    "claim with a key": claim_with_a_key,
    "claim a name in use": claim_a_name_in_use,
    "claim a broken spare": claim_a_broken_spare,
    "request and finish": request_and_finish,
    "refill": refill,
    "replace": replace_spares,
    "reconcile": reconcile,
}


async def create_service() -> MemoryService:
    memory = await create_pooled(SPARES)
    await memory.occupy("Taken")
    return memory


def start_process(memory: MemoryService, process: Process) -> Process:
    process.memory.pool.mark_compared(())
    return process


async def assert_converges(service: MemoryService, answers: list[ProvisionedDatabase]) -> None:
    """Check that every acknowledged database works, and that the pool is full again."""
    await settle(service, GRACE)
    await service.maintain_spares()()
    await settle(service, GRACE)
    await assert_consistent(service, GRACE)
    assert len(await service.spares()) == SPARES
    assert len({answer.database.id for answer in answers}) == len(answers)
    assert all(service.provider.accepts(answer.connection) for answer in answers)


@pytest.mark.parametrize("fault_kind", FAULT_KINDS.values(), ids=FAULT_KINDS)
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
async def test_a_process_that_fails_at_any_moment_leaves_a_consistent_state(
    action: Action, fault_kind: FaultKind
) -> None:
    for at in count(1):
        if not await crash_at(action, fault_kind, at):
            break

    assert at > 3, "the action has too few moments"


async def crash_at(action: Action, fault_kind: FaultKind, at: int) -> bool:
    """Perform the action with a fault at that moment. Return whether it reached that moment."""
    memory, answers = await create_service(), []
    fault = fault_kind.fault(at)
    with suppress(PgvendError, Killed, asyncio.CancelledError, ValueError):
        answer = await action(start_process(memory, create_faulty_process(memory, fault)))
        answers += [answer] if answer else []
    memory.fault_hook = no_fault
    service = memory.restarted()
    service.clock.moment += HOUR
    await assert_converges(service, answers)
    return fault.has_failed


@pytest.mark.parametrize(
    "other_process", [MemoryService.replica, MemoryService.restarted], ids=["leases", "lost-leases"]
)
@pytest.mark.parametrize(("one", "other"), [*combinations_with_replacement(ACTIONS, 2)])
async def test_two_concurrent_actions_leave_a_consistent_state(
    one: str, other: str, other_process: Callable[[MemoryService], MemoryService]
) -> None:
    """Leases avoid duplicate work; without them, the versions of records prevent conflicts."""
    for seed in range(6):
        memory = await create_service()
        process = start_process(memory, create_faulty_process(memory, RandomYields(seed)))
        rival = start_process(memory, replace(process, memory=other_process(process.memory)))

        outcomes = await asyncio.gather(
            ACTIONS[one](process), ACTIONS[other](rival), return_exceptions=True
        )

        assert all(
            isinstance(outcome, PgvendError | ProvisionedDatabase | None) for outcome in outcomes
        ), outcomes
        memory.fault_hook = no_fault
        answers = {
            each.database.id: each for each in outcomes if isinstance(each, ProvisionedDatabase)
        }
        await assert_converges(memory, [*answers.values()])
