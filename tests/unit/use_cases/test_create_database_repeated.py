"""Requests with the same idempotency key return the same database."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.database import Database
from domain.errors import IdempotencyKeyReused, IllegalTransition, NameTaken, ProviderBusy
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import settle
from tests.support.doubles import FailAt
from tests.support.memory_service import HOUR, MemoryService
from tests.support.people import ANN, BOB

SALES = CreateRequest(nickname="Sales", key="once")
A_DAY = timedelta(hours=24)
OTHER_BODIES = {
    "nickname": replace(SALES, nickname="sales"),
    "ttl": replace(SALES, ttl=HOUR),
    "labels": replace(SALES, labels={"a": "b"}),
    "extensions": replace(SALES, extensions=("vector",)),
    "on_conflict": replace(SALES, on_conflict=OnConflict.REJECT),
}

Repeat = Callable[[MemoryService, CreateRequest], Awaitable[Database]]


async def create_database(memory: MemoryService, request: CreateRequest) -> Database:
    return (await memory.create_database()(request)).database


async def request_creation(memory: MemoryService, request: CreateRequest) -> Database:
    return await memory.create_database().request(request)


both_ways = pytest.mark.parametrize("repeat", [create_database, request_creation])


@pytest.fixture
async def first(memory: MemoryService) -> ProvisionedDatabase:
    return await memory.create_database()(SALES)


async def test_the_same_request_gets_the_same_answer(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    assert await memory.replica().create_database()(SALES) == first
    assert await memory.replica().create_database().request(SALES) == first.database
    assert await memory.records() == [first.database]


async def test_labels_may_come_in_any_order(memory: MemoryService) -> None:
    first = await memory.create_database()(replace(SALES, labels={"a": "1", "b": "2"}))
    assert await memory.create_database()(replace(SALES, labels={"b": "2", "a": "1"})) == first


@pytest.mark.parametrize("callers_key", ["none", "another's"])
async def test_a_request_with_another_key_or_none_is_new(
    memory: MemoryService, callers_key: str
) -> None:
    anns, bobs = replace(SALES, caller=ANN), replace(SALES, caller=BOB)
    keyless = CreateRequest(nickname="Sales")
    one, other = (anns, bobs) if callers_key == "another's" else (keyless, keyless)

    assert (await create_database(memory, one)).id != (await create_database(memory, other)).id


@both_ways
@pytest.mark.parametrize("other", OTHER_BODIES.values(), ids=OTHER_BODIES)
async def test_a_key_with_another_request_is_refused(
    memory: MemoryService, first: ProvisionedDatabase, other: CreateRequest, repeat: Repeat
) -> None:
    with pytest.raises(IdempotencyKeyReused):
        await repeat(memory, other)
    assert await memory.records() == [first.database]


async def test_a_repeated_request_returns_the_current_password(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    rotated = await memory.rotate()(first.database.id)
    assert (await memory.create_database()(SALES)).connection == rotated.connection


async def test_a_key_is_valid_for_a_day(memory: MemoryService, first: ProvisionedDatabase) -> None:
    memory.clock.moment += A_DAY - timedelta(microseconds=1)
    assert await memory.create_database()(SALES) == first
    memory.clock.moment += timedelta(microseconds=1)

    another = replace(SALES, nickname="Another")
    second = await memory.create_database()(another)

    assert second.connection.database == "another"
    assert await memory.create_database()(another) == second
    assert memory.provider.accepts(first.connection)


async def test_a_clock_that_goes_back_changes_nothing(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    memory.clock.moment -= timedelta(days=400)
    assert await memory.create_database()(SALES) == first


@pytest.mark.parametrize("undo", [[], [ProviderBusy()]], ids=["dropped", "not-dropped-yet"])
async def test_a_failed_request_is_tried_again(
    memory: MemoryService, undo: list[ProviderBusy]
) -> None:
    memory.fault_hook = FailAt({"after provision": [ProviderBusy()], "before delete": [*undo]})
    with pytest.raises(ProviderBusy):
        await memory.create_database()(SALES)

    provisioned = await memory.create_database()(SALES)

    assert memory.provider.accepts(provisioned.connection)
    await settle(memory)
    assert await memory.tenant_ids() == {provisioned.database.id}


@both_ways
@pytest.mark.parametrize("is_dropped", [False, True])
async def test_a_deleted_database_is_not_created_again(
    memory: MemoryService, first: ProvisionedDatabase, is_dropped: bool, repeat: Repeat
) -> None:
    await memory.deletion().request(first.database.id)
    if is_dropped:
        await memory.deletion().finish(first.database.id)

    with pytest.raises(IllegalTransition, match="use a new key"):
        await repeat(memory, SALES)


@both_ways
async def test_an_expired_database_is_not_returned(memory: MemoryService, repeat: Repeat) -> None:
    await memory.create_database()(replace(SALES, ttl=HOUR))
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match=r"is expired, .* use a new key"):
        await repeat(memory, replace(SALES, ttl=HOUR))


async def test_a_name_in_use_is_rejected_with_a_key_too(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    for _ in range(2):
        with pytest.raises(NameTaken):
            await memory.create_database()(replace(SALES, on_conflict=OnConflict.REJECT))
