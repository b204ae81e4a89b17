"""Creating databases from spares: each is claimed once, under the names of the request."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from domain.errors import NameTaken, QuotaReached
from domain.lifecycle import State, StepState
from domain.names import PgNames
from ports.driven.registry import Registry
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent
from tests.support.doubles import FailAt, WrappedRegistry, yield_to_others
from tests.support.memory_service import HOUR, MemoryService
from tests.support.people import ANN
from tests.support.spares import another_process, create_pooled, watch_provider

T = TypeVar("T")

OPAQUE = re.compile(r"db_[0-9a-z]{26}")


async def test_a_creation_turns_the_oldest_spare_into_the_database(pooled: MemoryService) -> None:
    oldest, *rest = await pooled.spares()
    pooled.clock.moment += HOUR

    provisioned = await pooled.create(ttl=HOUR, labels={"team": "sales"})

    record = provisioned.database
    assert record.id == oldest.id
    assert (record.names.database, record.nickname.text) == ("sales", "Sales")
    assert (record.created_at, record.expires_at) == (
        pooled.clock.now(),
        pooled.clock.now() + HOUR,
    )
    assert (record.state, record.labels) == (State.READY, {"team": "sales"})
    assert [(step.name, step.state) for step in record.steps] == [("provision", StepState.DONE)]
    assert pooled.provider.accepts(provisioned.connection)
    assert await pooled.spares() == rest
    await assert_consistent(pooled)


async def test_a_claim_is_one_call_of_the_provider_and_two_changes_of_the_record(
    pooled: MemoryService,
) -> None:
    spare = (await pooled.spares())[0]
    watched = watch_provider(pooled)

    provisioned = await pooled.create()

    assert watched.calls == ["provision"]
    assert provisioned.database.version == spare.version + 2
    assert provisioned.database.nonce == spare.nonce


async def test_a_database_beyond_the_spares_is_provisioned(pooled: MemoryService) -> None:
    spares = {spare.id for spare in await pooled.spares()}
    provisioned = [await pooled.create() for _ in range(4)]

    assert {one.database.id for one in provisioned[:3]} == spares
    assert provisioned[3].database.id not in spares
    assert all(pooled.provider.accepts(one.connection) for one in provisioned)
    await assert_consistent(pooled)


async def test_no_spare_is_claimed_before_the_spares_were_compared(pooled: MemoryService) -> None:
    restarted = pooled.restarted()
    spares = await pooled.spares()

    await restarted.create()

    assert await pooled.spares() == spares


@pytest.mark.parametrize("counts", [{}, {"default": 0}, {"shop": 3}])
async def test_nothing_is_claimed_where_no_spares_are_wanted(counts: dict[str, int]) -> None:
    memory = await create_pooled()
    other = another_process(memory, counts=counts)
    other.pool.mark_compared(())

    await other.create()

    assert len(await memory.spares()) == 3


async def test_a_database_with_extensions_is_provisioned(pooled: MemoryService) -> None:
    await pooled.create(extensions=("vector",))
    assert len(await pooled.spares()) == 3


@pytest.mark.parametrize("names", ["record", "stranger", "reserved"])
async def test_a_name_in_use_gets_a_suffix(pooled: MemoryService, names: str) -> None:
    nickname = "postgres" if names == "reserved" else "Sales"
    if names == "record":
        await pooled.create()
    if names == "stranger":
        await pooled.occupy("Sales")

    provisioned = await pooled.create(nickname)

    assert re.fullmatch(r"(sales|postgres)_[a-z0-9]{6}", provisioned.connection.database)
    assert len(await pooled.spares()) == (1 if names == "record" else 2)
    assert pooled.provider.accepts(provisioned.connection)


async def test_a_name_in_use_on_the_provider_does_not_delete_the_spare(
    pooled: MemoryService,
) -> None:
    await pooled.occupy("Sales")
    watched = watch_provider(pooled)

    await pooled.create()

    assert watched.calls == ["provision", "provision"]


async def test_spares_do_not_count_towards_a_quota(pooled: MemoryService) -> None:
    quoted = replace(ANN, quota=1)
    await pooled.create(caller=quoted)
    with pytest.raises(QuotaReached):
        await pooled.create(caller=quoted)


async def test_the_same_request_gets_the_same_database(pooled: MemoryService) -> None:
    first, *others = await asyncio.gather(
        *(pooled.create(key="once", caller=ANN) for _ in range(3)), return_exceptions=True
    )
    again = await pooled.create(key="once", caller=ANN)

    answers = [one for one in (first, *others, again) if isinstance(one, ProvisionedDatabase)]
    assert {one.connection for one in answers} == {again.connection}
    assert len(await pooled.spares()) == 2


async def test_concurrent_creations_in_two_replicas_never_share_a_spare() -> None:
    memory = await create_pooled(10, fault_hook=yield_to_others)
    replica = memory.replica()
    await replica.maintain_spares()()

    provisioned = await asyncio.gather(
        *(process.create() for process in (memory, replica) for _ in range(10))
    )

    assert len({one.database.id for one in provisioned}) == 20
    assert len({one.connection.database for one in provisioned}) == 20
    assert all(memory.provider.accepts(one.connection) for one in provisioned)
    assert await memory.spares() == []
    await assert_consistent(memory)


async def test_a_replica_finds_spares_that_another_one_filled(pooled: MemoryService) -> None:
    replica = pooled.replica()
    replica.pool.mark_compared(())

    provisioned = await replica.create()

    assert OPAQUE.fullmatch(provisioned.database.id)
    assert len(await pooled.spares()) == 2


async def test_a_requested_database_is_the_claimed_spare(pooled: MemoryService) -> None:
    spare = (await pooled.spares())[0]
    create = pooled.create_database()
    requested = await create.request(CreateRequest(nickname="Sales"))
    assert (requested.id, requested.state) == (spare.id, State.PROVISIONING)

    assert await create.finish(requested.id)

    record = await pooled.registry.get(spare.id)
    assert (record.state, record.nonce) == (State.READY, spare.nonce)
    assert pooled.accepts_login(record)


async def test_another_process_finishes_a_requested_claim_with_a_new_password(
    pooled: MemoryService,
) -> None:
    requested = await pooled.create_database().request(CreateRequest(nickname="Sales"))

    assert await pooled.restarted().create_database().finish(requested.id)

    record = await pooled.registry.get(requested.id)
    assert (record.state, record.nonce != requested.nonce) == (State.READY, True)
    assert pooled.accepts_login(record)


async def test_a_password_that_changed_after_the_request_is_set(pooled: MemoryService) -> None:
    """Another process drew it, and stopped before it was done."""
    create = pooled.create_database()
    requested = await create.request(CreateRequest(nickname="Sales"))
    changed = await pooled.registry.update(replace(requested, nonce="other"))

    assert await create.finish(requested.id)

    record = await pooled.registry.get(changed.id)
    assert record.state is State.READY
    assert pooled.accepts_login(record)


async def test_opaque_names_are_the_ids() -> None:
    memory = await create_pooled(1, has_opaque_names=True)

    claimed, provisioned = await memory.create("postgres"), await memory.create("postgres")

    for one in (claimed, provisioned):
        assert one.database.names == PgNames.from_id(one.database.id)
        assert memory.provider.accepts(one.connection)
        assert one.database.nickname.text == "postgres"


async def test_opaque_names_get_no_suffix() -> None:
    memory = MemoryService(has_opaque_names=True)
    first, second = await memory.create(), await memory.create(on_conflict=OnConflict.REJECT)
    assert first.database.names != second.database.names


async def test_an_opaque_name_that_is_in_use_is_not_replaced_by_the_nickname() -> None:
    memory = MemoryService(has_opaque_names=True)
    memory.fault_hook = FailAt({"before provision": [NameTaken()]})

    with pytest.raises(NameTaken):
        await memory.create()

    assert [record.has_opaque_names for record in await memory.records()] == [True]
    await assert_consistent(memory)


@dataclass
class CountingRegistry(WrappedRegistry):
    inner: Registry
    calls: int = 0

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        await asyncio.sleep(0)
        return await call()


async def test_concurrent_creations_share_a_search_for_the_oldest_spare(
    pooled: MemoryService,
) -> None:
    registry = CountingRegistry(pooled.registry)
    pool = replace(pooled.pool, registry=registry)
    pool.mark_compared(())

    await asyncio.gather(*(pool.refresh() for _ in range(5)))

    assert registry.calls == 1
    assert pool.take(pool.shape_for("")) == (await pooled.spares())[0]
