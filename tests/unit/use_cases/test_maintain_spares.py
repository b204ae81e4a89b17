"""Keeping spares ready: filled one by one, closed, replaced, never left behind."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import ProviderFull, ProviderRejected
from domain.lifecycle import State
from domain.names import PgNames
from domain.spares import SpareLevel
from ports.driven.login_check import PasswordRefused
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.list_databases import ListDatabases, ListRequest
from ports.use_cases.list_spares import ListSpares
from ports.use_cases.maintain_spares import LEASE, LONGEST_WAIT
from tests.support.clock import FakeClock
from tests.support.consistency import assert_consistent, reconcile_once, settle
from tests.support.doubles import RefusingLoginCheck
from tests.support.memory_service import MemoryService
from tests.support.provision_requests import deriver
from tests.support.spares import add_template, another_process, create_pooled, kill_refill

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


@pytest.mark.parametrize(
    "change",
    [
        {"settings_shape": "other"},
        {"passwords": replace(deriver, secret=deriver.secret.__class__("n" * 32))},
    ],
    ids=["settings", "secret"],
)
async def test_spares_of_another_shape_are_replaced(change: dict[str, object]) -> None:
    memory = await create_pooled(2)
    former = await memory.spares()
    changed = another_process(memory, **change)

    await changed.maintain_spares()()

    spares = await changed.spares()
    assert len(spares) == 2
    assert not {spare.id for spare in spares} & {spare.id for spare in former}
    assert {item.id for item in await memory.provider.inventory()} == {each.id for each in spares}


@pytest.mark.parametrize("wanted", [0, 1])
async def test_spares_that_are_too_many_are_deleted_oldest_first(wanted: int) -> None:
    memory = await create_pooled(3)
    newest = (await memory.spares())[::-1]
    fewer = another_process(memory, counts={"default": wanted})

    await fewer.maintain_spares()()

    assert await fewer.spares() == newest[:wanted]
    await assert_consistent(fewer)


async def test_one_replica_at_a_time_fills_spares() -> None:
    memory = MemoryService(counts={"default": 2})
    async with memory.leases.acquire(LEASE):
        await memory.replica().maintain_spares()()
    assert await memory.spares() == []


async def test_a_replica_that_does_not_fill_claims_all_the_same() -> None:
    memory = await create_pooled(1)
    replica = memory.replica()
    async with memory.leases.acquire(LEASE):
        await replica.maintain_spares()()

    await replica.create()

    assert await memory.spares() == []


async def test_the_refill_waits_for_creations_up_to_a_limit() -> None:
    memory = MemoryService(counts={"default": 1})
    with memory.pool.count_creation():
        await memory.maintain_spares()()
        assert memory.clock.slept[0] == LONGEST_WAIT
    assert len(await memory.spares()) == 1


async def test_the_refill_goes_on_when_the_last_creation_has_ended() -> None:
    memory = MemoryService(counts={"default": 1}, clock=StoppedClock())
    hold, creation = await memory.hold("after provision", memory.create())
    refill = asyncio.create_task(memory.maintain_spares()())
    for _ in range(20):
        await asyncio.sleep(0)
    assert await memory.spares() == []

    hold.let_go.set()
    await creation
    await refill

    assert len(await memory.spares()) == 1


class StoppedClock(FakeClock):
    """A clock whose sleeps end only when they last no time."""

    async def sleep(self, seconds: float) -> None:
        if seconds:
            await asyncio.Event().wait()


async def test_a_refill_rests_as_long_as_a_spare_took() -> None:
    async def take_two_seconds(moment: str) -> None:
        if moment == "during provision":
            memory.clock.passed += 2.0

    memory = MemoryService(counts={"default": 2}, fault_hook=take_two_seconds)
    await memory.maintain_spares()()
    assert memory.clock.slept == [2.0, 2.0]


async def test_a_claim_in_progress_is_not_deleted_as_too_many() -> None:
    memory = await create_pooled(1)
    hold, creation = await memory.hold("before provision", memory.create())
    fewer = another_process(memory, counts={})

    await fewer.maintain_spares()()
    hold.let_go.set()

    assert memory.provider.accepts((await creation).connection)


async def test_a_cancelled_refill_deletes_the_spare_that_it_was_filling() -> None:
    memory = MemoryService(counts={"default": 1})
    _, refill = await memory.hold("during provision", memory.maintain_spares()())
    memory.fault_hook = lambda _: asyncio.sleep(0)

    refill.cancel()
    await asyncio.gather(refill, return_exceptions=True)

    [record] = await memory.records()
    assert record.state is State.DELETED
    assert await memory.tenant_ids() == set()


async def test_spares_of_a_template_are_copies_of_it() -> None:
    memory = MemoryService(counts={"default": 1, "shop": 2})
    shop = await add_template(memory, "shop")

    await memory.maintain_spares()()

    assert sorted(spare.source for spare in await memory.spares()) == ["", shop.id, shop.id]
    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="default", wanted=1, ready=1, filling=0),
        SpareLevel(template="shop", wanted=2, ready=2, filling=0),
    ]


async def test_a_template_that_does_not_exist_has_no_spares() -> None:
    memory = MemoryService(counts={"shop": 2})
    await memory.maintain_spares()()
    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="shop", wanted=2, ready=0, filling=0)
    ]


async def test_the_spares_of_a_replaced_template_are_replaced() -> None:
    memory = MemoryService(counts={"shop": 1})
    former = await add_template(memory, "shop")
    await memory.maintain_spares()()
    await memory.delete(former.id)
    latter = await add_template(memory, "shop")

    await memory.maintain_spares()()

    assert [spare.source for spare in await memory.spares()] == [latter.id]


async def test_a_creation_claims_only_a_spare_of_its_source() -> None:
    memory = MemoryService(counts={"default": 1, "shop": 1})
    shop = await add_template(memory, "shop")
    await memory.maintain_spares()()
    default, copy = sorted(await memory.spares(), key=lambda spare: spare.source)
    create = memory.create_database()
    draft = create._new_record(CreateRequest(nickname="Copy"), None)

    async with create.claim(replace(draft, source=shop.id), None) as claimed:
        assert claimed
        assert (claimed.id, claimed.source) == (copy.id, shop.id)
    assert (await memory.create()).database.id == default.id
