"""Claims that fail: broken spares, errors, lost answers, and deletions meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from adapters.memory.provider import MemoryLoginCheck, no_fault
from domain.errors import (
    NameTaken,
    PgvendError,
    ProviderBusy,
    QuotaReached,
    StaleRecord,
    Unavailable,
)
from domain.lifecycle import State
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent, settle
from tests.support.doubles import FailAt, FailingRegistry, HoldAt
from tests.support.memory_service import MemoryService
from tests.support.people import ANN
from tests.support.spares import watch_provider

T = TypeVar("T")


@pytest.mark.parametrize("holder", ["record", "stranger"])
async def test_a_rejected_name_leaves_nothing_behind(pooled: MemoryService, holder: str) -> None:
    await (pooled.create() if holder == "record" else pooled.occupy("Sales"))

    with pytest.raises(NameTaken):
        await pooled.create(on_conflict=OnConflict.REJECT)

    assert len(await pooled.spares()) == 2
    await settle(pooled)
    await assert_consistent(pooled)


async def test_a_spare_that_was_not_claimed_stays_a_candidate(pooled: MemoryService) -> None:
    spares = await pooled.spares()
    with pytest.raises(QuotaReached):
        await pooled.create(caller=replace(ANN, quota=0))

    taken = [pooled.pool.take(pooled.pool.shape_for("")) for _ in spares]

    assert sorted(spare.id for spare in taken if spare) == [spare.id for spare in spares]


@pytest.mark.parametrize("damage", ["no database", "nothing"])
async def test_a_broken_spare_is_provisioned_under_the_same_id(
    pooled: MemoryService, damage: str
) -> None:
    spare = (await pooled.spares())[0]
    del pooled.provider._databases[spare.names.database]
    if damage == "nothing":
        del pooled.provider._owners[spare.names.owner]

    provisioned = await pooled.create()

    assert provisioned.database.id == spare.id
    assert provisioned.database.nonce != spare.nonce
    assert [step.name for step in provisioned.database.steps] == ["provision", "verify"]
    assert pooled.provider.accepts(provisioned.connection)
    await assert_consistent(pooled)


async def test_a_broken_spare_with_a_name_in_use_is_provisioned(pooled: MemoryService) -> None:
    spare = (await pooled.spares())[0]
    await pooled.occupy("Sales")
    del pooled.provider._databases[spare.names.database]

    provisioned = await pooled.create()

    assert provisioned.database.id == spare.id
    assert pooled.provider.accepts(provisioned.connection)


@pytest.mark.parametrize("moment", ["before provision", "after provision"])
async def test_a_claim_that_fails_leaves_nothing(pooled: MemoryService, moment: str) -> None:
    spare = (await pooled.spares())[0]
    pooled.fault_hook = FailAt({moment: [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await pooled.create()

    assert (await pooled.registry.get(spare.id)).state is State.FAILED
    assert spare.id not in await pooled.tenant_ids()
    await assert_consistent(pooled)


@pytest.mark.parametrize("key", [None, "once"])
async def test_a_claim_whose_answer_is_lost_is_undone(
    pooled: MemoryService, key: str | None
) -> None:
    pooled.registry = FailingRegistry(pooled.registry, first=1, end=2, after_effect=True)

    with pytest.raises(Unavailable):
        await pooled.create(key=key, caller=ANN)

    assert len(await pooled.spares()) == 2
    await assert_consistent(pooled)
    assert (await pooled.create(key=key, caller=ANN)).database.state is State.READY


async def test_a_failed_claim_does_not_undo_the_claim_of_another_replica(
    pooled: MemoryService,
) -> None:
    """The other replica gets the spare because this one has lost its lease."""
    rival = pooled.restarted()
    rival.pool.mark_compared(())
    started: list[tuple[HoldAt, asyncio.Task[ProvisionedDatabase]]] = []

    class Overtaken(FailingRegistry):
        async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
            if not started:
                started.append(await pooled.hold("before provision", rival.create("Rival")))
                raise Unavailable
            return await call()

    registry = Overtaken(pooled.registry, first=0, end=0)
    with pytest.raises(Unavailable):
        await pooled.create_database(registry=registry)(CreateRequest(nickname="Sales"))

    [(hold, creation)] = started
    hold.let_go.set()
    assert pooled.provider.accepts((await creation).connection)
    await assert_consistent(pooled)


async def test_a_spare_that_another_process_works_on_is_not_claimed(
    pooled: MemoryService,
) -> None:
    oldest = (await pooled.spares())[0]
    async with pooled.leases.acquire(oldest.id):
        provisioned = await pooled.create()
    assert provisioned.database.id != oldest.id
    assert oldest in await pooled.spares()


async def test_a_broken_spare_that_is_deleted_meanwhile_leaves_nothing(
    pooled: MemoryService,
) -> None:
    spare = (await pooled.spares())[0]
    hold, creation = await pooled.hold("before provision", pooled.create())
    del pooled.provider._databases[spare.names.database]
    await pooled.deletion().request(spare.id)
    hold.let_go.set()

    with pytest.raises(StaleRecord, match="deleted while it was being created"):
        await creation

    assert (await pooled.registry.get(spare.id)).nonce == spare.nonce
    assert spare.id not in await pooled.tenant_ids()
    await assert_consistent(pooled)


async def test_the_parts_of_a_broken_spare_are_deleted_first(pooled: MemoryService) -> None:
    spare = (await pooled.spares())[0]
    del pooled.provider._databases[spare.names.database]
    login_check = MemoryLoginCheck(pooled.provider)
    watched = watch_provider(pooled)

    await pooled.create_database(login_check=login_check)(CreateRequest(nickname="Sales"))

    assert watched.calls == ["provision", "delete", "provision"]


async def test_a_deletion_during_a_claim_leaves_nothing(pooled: MemoryService) -> None:
    spare = (await pooled.spares())[0]
    hold, creation = await pooled.hold("after provision", pooled.create())
    await pooled.deletion().request(spare.id)
    hold.let_go.set()

    with pytest.raises(PgvendError, match="deleted while it was being created"):
        await creation

    assert spare.id not in await pooled.tenant_ids()
    await assert_consistent(pooled)


@pytest.mark.parametrize("moment", ["before provision", "after provision"])
async def test_a_cancelled_claim_with_a_key_is_completed_by_the_same_request(
    pooled: MemoryService, moment: str
) -> None:
    spare = (await pooled.spares())[0]
    _, creation = await pooled.hold(moment, pooled.create(key="once", caller=ANN))
    creation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creation
    assert (await pooled.registry.get(spare.id)).state is State.PROVISIONING
    pooled.fault_hook = no_fault

    provisioned = await pooled.create(key="once", caller=ANN)

    assert provisioned.database.id == spare.id
    assert pooled.provider.accepts(provisioned.connection)
    await assert_consistent(pooled)
