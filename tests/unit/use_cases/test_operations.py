"""Properties of every operation: failure, repetition, concurrency."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from domain.errors import IllegalTransition, InFlight
from domain.lifecycle import State, StepState
from ports.use_cases.create_request import CreateRequest
from tests.support.consistency import assert_consistent, settle
from tests.support.memory_service import (
    DELETING,
    GRACE,
    HOUR,
    PROVISIONING,
    ROTATING,
    MemoryService,
)

SUSPENDING = ["before suspend", "after suspend"]
INSTALLING = ["before install", "after install"]


async def request_creation(memory: MemoryService) -> str:
    return (await memory.create_database().request(CreateRequest(nickname="Sales"))).id


async def create_ready(memory: MemoryService) -> str:
    return (await memory.create(ttl=9 * HOUR)).database.id


async def create_past_expiry(memory: MemoryService) -> str:
    database_id = await create_ready(memory)
    memory.clock.moment += 9 * HOUR
    return database_id


async def create_expired(memory: MemoryService) -> str:
    database_id = await create_past_expiry(memory)
    await memory.expire(GRACE).finish(database_id)
    return database_id


async def create_deleting(memory: MemoryService) -> str:
    return (await memory.deletion().request(await create_ready(memory))).id


Action = Callable[[MemoryService, str], Coroutine[Any, Any, object]]


@dataclass
class Case:
    """An operation: how to prepare, start and finish it, and the resulting state."""

    name: str
    prepared: Callable[[MemoryService], Awaitable[str]]
    moments: list[str]
    ends: State
    finish: Action
    call: Action | None = None
    """The call of a caller; None if only the reconciler performs it."""


VEND = Case(
    "provision",
    request_creation,
    PROVISIONING,
    State.READY,
    lambda memory, id_: memory.create_database().finish(id_),
)
ADD = Case(
    "add_extension",
    create_ready,
    INSTALLING,
    State.READY,
    lambda memory, id_: memory.add_extension().finish(id_),
    lambda memory, id_: memory.add_extension()(id_, "hstore"),
)
ROTATE = Case(
    "rotate",
    create_ready,
    ROTATING,
    State.READY,
    lambda memory, id_: memory.rotate().finish(id_),
    lambda memory, id_: memory.rotate()(id_),
)
RESTORE = Case(
    "restore",
    create_expired,
    PROVISIONING,
    State.READY,
    lambda memory, id_: memory.restore().finish(id_),
    lambda memory, id_: memory.restore()(id_, 9 * HOUR),
)
SUSPEND = Case(
    "suspend",
    create_past_expiry,
    SUSPENDING,
    State.EXPIRED,
    lambda memory, id_: memory.expire(GRACE).finish(id_),
)
DELETE = Case(
    "delete",
    create_deleting,
    DELETING,
    State.DELETED,
    lambda memory, id_: memory.deletion().finish(id_),
)


def parametrize_moments(*cases: Case) -> pytest.MarkDecorator:
    """Parametrize each case with each of its moments."""
    pairs = [(case, moment) for case in cases for moment in case.moments]
    ids = [f"{case.name} {moment}" for case, moment in pairs]
    return pytest.mark.parametrize(("case", "moment"), pairs, ids=ids)


async def assert_ended(memory: MemoryService, state: State) -> None:
    record = await memory.only_record()
    assert (record.state, record.is_idle) == (state, True)
    assert memory.accepts_login(record) == (state is State.READY)
    await assert_consistent(memory, GRACE)


@parametrize_moments(ROTATE, ADD, RESTORE, SUSPEND, DELETE)
@pytest.mark.parametrize("again", ["call", "reconcile"])
async def test_a_failed_operation_is_recorded_and_finished(
    memory: MemoryService, case: Case, moment: str, again: str
) -> None:
    database_id = await case.prepared(memory)
    action = case.call or case.finish
    await memory.interrupt(moment, action(memory, database_id))
    [step] = [step for step in (await memory.only_record()).steps if step.name == case.name]
    assert (step.state, step.error) == (StepState.FAILED, "Not now.")
    assert not (await memory.only_record()).is_idle

    await (action(memory, database_id) if again == "call" else settle(memory, GRACE))

    await assert_ended(memory, case.ends)


@parametrize_moments(VEND, ROTATE, ADD, RESTORE, SUSPEND, DELETE)
async def test_of_two_concurrent_calls_one_performs_the_operation(
    memory: MemoryService, case: Case, moment: str
) -> None:
    database_id = await case.prepared(memory)
    action = case.call or case.finish
    hold, doing = await memory.hold(moment, action(memory, database_id))

    assert not await case.finish(memory.replica(), database_id)
    if case.call:
        with pytest.raises(InFlight):
            await case.call(memory.replica(), database_id)

    hold.let_go.set()
    assert await doing
    done = await memory.only_record()
    assert not await case.finish(memory, database_id)
    assert await memory.only_record() == done
    await assert_ended(memory, case.ends)


@parametrize_moments(ROTATE, RESTORE, SUSPEND)
async def test_a_deletion_meanwhile_wins(memory: MemoryService, case: Case, moment: str) -> None:
    database_id = await case.prepared(memory)
    action = case.call or case.finish
    hold, doing = await memory.hold(moment, action(memory, database_id))

    await memory.deletion().request(database_id)
    hold.let_go.set()

    [error] = await asyncio.gather(doing, return_exceptions=True)
    assert isinstance(error, IllegalTransition) == bool(case.call)
    assert (await memory.only_record()).state is State.DELETING
    await settle(memory, GRACE)
    await assert_ended(memory, State.DELETED)
