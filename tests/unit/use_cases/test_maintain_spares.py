"""Keeping spares ready: filled one by one, closed, paced."""

import asyncio

import pytest

from domain.errors import PgvendError, ProviderFull, ProviderRejected
from domain.lifecycle import State
from domain.names import PgNames
from domain.spares import SpareLevel
from ports.driven.login_check import PasswordRefused
from ports.use_cases.list_databases import ListDatabases, ListRequest
from ports.use_cases.list_spares import ListSpares
from tests.support.consistency import assert_consistent, reconcile_once, settle
from tests.support.doubles import RefusingLoginCheck
from tests.support.memory_service import MemoryService
from tests.support.spares import add_template, create_pooled, kill_refill

FILLING = [
    "before provision",
    "during provision",
    "after provision",
    "before suspend",
    "after suspend",
]


async def test_a_spare_is_closed_and_named_by_its_id() -> None:
    memory = await create_pooled(1)

    [spare] = await memory.spares()
    assert (spare.state, spare.is_idle, spare.wake_at) == (State.SPARE, True, None)
    assert spare.names == PgNames.from_id(spare.id)
    assert not memory.accepts_login(spare)
    [item] = await memory.provider.inventory()
    assert (item.id, item.is_spare) == (spare.id, True)
    await assert_consistent(memory)


async def test_spares_are_filled_up_to_the_wanted_number_and_then_left_alone() -> None:
    memory = await create_pooled(3)
    spares = await memory.spares()
    assert len(spares) == 3

    await memory.maintain_spares()()

    assert await memory.spares() == spares


async def test_claimed_spares_are_filled_again() -> None:
    memory = await create_pooled(3)
    await memory.create()

    await memory.maintain_spares()()

    assert len(await memory.spares()) == 3
    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="default", wanted=3, ready=3, filling=0)
    ]


async def test_spares_are_in_no_list() -> None:
    memory = await create_pooled(2)
    sales = await memory.create()
    page = await ListDatabases(registry=memory.registry)(ListRequest())
    assert [database.id for database in page.databases] == [sales.database.id]


async def test_a_spare_that_is_being_filled_is_listed_so_and_not_claimed() -> None:
    memory = MemoryService(counts={"default": 1})
    hold, filling = await memory.hold("before suspend", memory.maintain_spares()())

    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="default", wanted=1, ready=0, filling=1)
    ]
    memory.fault_hook = lambda _: asyncio.sleep(0)
    created = await memory.create()
    hold.let_go.set()
    await filling

    [spare] = await memory.spares()
    assert spare.id != created.database.id


@pytest.mark.parametrize("moment", FILLING)
async def test_an_error_while_filling_leaves_nothing(moment: str) -> None:
    memory = MemoryService(counts={"default": 1})

    await memory.interrupt(moment, memory.maintain_spares()())

    [record] = await memory.records()
    assert record.state is State.DELETED
    assert await memory.tenant_ids() == set()
    await memory.maintain_spares()()
    assert len(await memory.spares()) == 1


async def test_a_spare_whose_login_is_refused_is_deleted() -> None:
    memory = MemoryService(counts={"default": 1})
    refusing = RefusingLoginCheck(PasswordRefused("Refused."))

    with pytest.raises(ProviderRejected):
        await memory.maintain_spares(refusing)()

    assert await memory.tenant_ids() == set()


async def test_a_full_provider_stops_the_refill() -> None:
    memory = MemoryService(counts={"default": 3}, capacity=2)
    with pytest.raises(ProviderFull):
        await memory.maintain_spares()()
    assert len(await memory.spares()) == 2


@pytest.mark.parametrize("moment", FILLING)
@pytest.mark.parametrize("finisher", ["reconciler", "next refill"])
async def test_a_spare_whose_filling_was_interrupted_is_deleted(moment: str, finisher: str) -> None:
    memory = MemoryService(counts={"default": 1})
    restarted = await kill_refill(memory, moment)
    [interrupted] = await memory.spares()

    if finisher == "reconciler":
        [result] = await reconcile_once(restarted)
        assert (result.action, result.outcome) == ("delete_spare", "done")
        assert await memory.tenant_ids() == set()
    else:
        await restarted.maintain_spares()()
        assert len(await memory.spares()) == 1
    assert (await memory.registry.get(interrupted.id)).state is State.DELETED


async def test_a_spare_that_was_filled_meanwhile_is_not_deleted_as_interrupted() -> None:
    memory = await create_pooled(1)
    [spare] = await memory.spares()
    assert not await memory.maintain_spares().finish(spare.id)
    assert await memory.spares() == [spare]


async def test_the_reconciler_leaves_a_spare_alone_that_is_being_filled() -> None:
    memory = MemoryService(counts={"default": 1})
    hold, filling = await memory.hold("before suspend", memory.maintain_spares()())

    assert await reconcile_once(memory.replica()) == []

    hold.let_go.set()
    await filling
    assert len(await memory.spares()) == 1


async def test_tasks_on_spares_are_not_audited() -> None:
    restarted = await kill_refill(MemoryService(counts={"default": 1}), "before suspend")

    await settle(restarted)

    assert restarted.audit_log._entries == {}  # type: ignore[attr-defined]


async def test_an_error_of_one_template_does_not_keep_the_others_from_being_filled() -> None:
    memory = MemoryService(counts={"shop": 2, "default": 2})
    shop = await add_template(memory, "shop")
    del memory.provider._databases[shop.names.database]

    with pytest.raises(PgvendError):
        await memory.maintain_spares()()

    assert [spare.source for spare in await memory.spares()] == ["", ""]


async def test_a_cancelled_refill_deletes_the_spare_that_it_was_filling() -> None:
    memory = MemoryService(counts={"default": 1})
    _, refill = await memory.hold("during provision", memory.maintain_spares()())
    memory.fault_hook = lambda _: asyncio.sleep(0)

    refill.cancel()
    await asyncio.gather(refill, return_exceptions=True)

    [record] = await memory.records()
    assert record.state is State.DELETED
    assert await memory.tenant_ids() == set()
