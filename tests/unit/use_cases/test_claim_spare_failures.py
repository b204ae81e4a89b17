"""Claims that fail: broken spares, errors, lost answers, and deletions meanwhile."""

import re
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import NameTaken, PgvendError, ProviderBusy, QuotaReached, Unavailable
from domain.lifecycle import State
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent, settle
from tests.support.doubles import FailAt, FailingRegistry
from tests.support.memory_service import MemoryService
from tests.support.people import ANN

OPAQUE = re.compile(r"db_[0-9a-z]{26}")


@pytest.mark.parametrize("holder", ["record", "stranger"])
async def test_a_rejected_name_leaves_nothing_behind(pooled: MemoryService, holder: str) -> None:
    await (pooled.create() if holder == "record" else pooled.occupy("Sales"))

    with pytest.raises(NameTaken):
        await pooled.create(on_conflict=OnConflict.REJECT)

    assert len(await pooled.spares()) == 2
    await settle(pooled)
    await assert_consistent(pooled)


async def test_a_spare_that_was_not_claimed_is_claimed_by_the_next_creation(
    pooled: MemoryService,
) -> None:
    spares = await pooled.spares()
    quoted = replace(ANN, quota=0)
    with pytest.raises(QuotaReached):
        await pooled.create(caller=quoted)

    provisioned = await pooled.create()

    assert provisioned.database.id in {spare.id for spare in spares}


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
    won: list[ProvisionedDatabase] = []

    class Overtaken(FailingRegistry):
        async def call_inner(self, call: Any) -> Any:
            if not won:
                won.append(await rival.create("Rival"))
                raise Unavailable
            return await call()

    with pytest.raises(Unavailable):
        await pooled.create_database(registry=Overtaken(pooled.registry, 9, 9))(
            CreateRequest(nickname="Sales")
        )

    assert pooled.provider.accepts(won[0].connection)
    await assert_consistent(pooled)


async def test_a_deletion_during_a_claim_leaves_nothing(pooled: MemoryService) -> None:
    spare = (await pooled.spares())[0]
    hold, creation = await pooled.hold("after provision", pooled.create())
    await pooled.deletion().request(spare.id)
    hold.let_go.set()

    with pytest.raises(PgvendError, match="deleted while it was being created"):
        await creation

    assert spare.id not in await pooled.tenant_ids()
    await assert_consistent(pooled)
