"""Creations of templates that fail, are interrupted, or run at the same time."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import no_fault
from domain.database import Database
from domain.errors import (
    InFlight,
    ProviderBusy,
    StaleRecord,
    Unavailable,
)
from domain.lifecycle import State
from domain.reconciliation import ReconcileAction
from domain.templates import describe_state, is_ready_template
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import FailAt, FailingRegistry
from tests.support.memory_service import DELETING, HOUR, PROVISIONING, MemoryService
from tests.support.templates import (
    ALICE,
    create_template,
    delete_template,
    list_templates,
)

SUSPENDING = ["before suspend", "after suspend"]


@pytest.mark.parametrize("moment", [*PROVISIONING, *SUSPENDING])
async def test_a_failed_creation_leaves_nothing_and_keeps_the_former_template(
    memory: MemoryService, shop: ProvisionedDatabase, moment: str
) -> None:
    former = await create_template(memory, "Shop", caller=ALICE)

    await memory.interrupt(moment, create_template(memory, "Shop", caller=ALICE))

    assert await list_templates(memory) == [former]
    assert await memory.tenant_ids() == {shop.database.id, former.id}


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 9))
async def test_a_failure_of_the_registry_leaves_a_consistent_state(
    memory: MemoryService, shop: ProvisionedDatabase, call: int, after_effect: bool
) -> None:
    """Either the former or the new template is there, and nothing without a record."""
    former = await create_template(memory, "Shop", caller=ALICE)
    failing = replace(
        memory, registry=FailingRegistry(memory.registry, call, call + 1, after_effect)
    )
    failing.provider = memory.provider
    await asyncio.gather(
        create_template(failing, shop.database.id, caller=ALICE), return_exceptions=True
    )

    await assert_settles(memory, former, shop)


async def assert_settles(
    memory: MemoryService, former: Database, shop: ProvisionedDatabase
) -> None:
    """Check that after reconciliation one template is there, ready, and not more."""
    memory.fault_hook = no_fault
    service = memory.restarted()
    service.clock.moment += HOUR  # after the pauses of failed operations
    await service.reconcile()()
    [template] = await list_templates(service)
    assert is_ready_template(template)
    assert template.id >= former.id
    assert template.wake_at is None
    assert await service.tenant_ids() == {shop.database.id, template.id}
    copy = await service.create("Copy", template="shop", caller=ALICE)
    assert service.provider.contents.read(copy.database.id) == ("apples",)


@pytest.mark.parametrize("moment", [*PROVISIONING, *SUSPENDING, *DELETING])
async def test_a_creation_that_is_cancelled_or_killed_settles(
    memory: MemoryService, shop: ProvisionedDatabase, moment: str
) -> None:
    for is_killed in (False, True):
        service = MemoryService()
        database = await service.create("Shop", caller=ALICE)
        service.provider.contents.write(database.database.id, "apples")
        former = await create_template(service, "Shop", caller=ALICE)
        _, task = await service.hold(moment, create_template(service, "Shop", caller=ALICE))
        if is_killed:  # the call never goes on
            await assert_settles(service, former, database)
            task.cancel()
        else:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await assert_settles(service, former, database)


async def test_the_reconciler_leaves_a_template_alone_that_another_process_creates(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    hold, task = await memory.hold("after provision", create_template(memory, "Shop", caller=ALICE))
    [creating] = await list_templates(memory)
    assert describe_state(creating) is State.PROVISIONING
    assert await memory.reconcile()() == []
    with pytest.raises(InFlight, match="retry"):
        await memory.create("Copy", template="shop", caller=ALICE)

    hold.let_go.set()
    assert is_ready_template(await task)


async def test_the_reconciler_reports_what_it_finishes(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    memory.fault_hook = FailAt(
        {"after provision": [ProviderBusy()], "before delete": [ProviderBusy()]}
    )
    with pytest.raises(ProviderBusy):
        await create_template(memory, "Shop", caller=ALICE)
    memory.fault_hook = no_fault
    memory.clock.moment += HOUR

    results = await memory.restarted().reconcile()(drift=False)

    assert [result.action for result in results] == [ReconcileAction.DELETE]
    assert await memory.tenant_ids() == {shop.database.id}


async def test_a_template_that_is_deleted_while_it_is_created_leaves_nothing(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    for moment in (*PROVISIONING, *SUSPENDING):
        hold, task = await memory.hold(moment, create_template(memory, "Shop", caller=ALICE))
        [creating] = await list_templates(memory)
        await memory.templates().request_deletion(creating.id, ALICE)
        hold.let_go.set()

        with pytest.raises(StaleRecord, match="deleted while"):
            await task
        assert await memory.tenant_ids() == {shop.database.id}
        assert await list_templates(memory) == []


async def test_two_concurrent_creations_of_one_name_leave_the_newer_template(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    hold, task = await memory.hold(
        "before provision", create_template(memory, "Shop", caller=ALICE)
    )
    memory.fault_hook = no_fault
    newer = await create_template(memory.replica(), "Shop", caller=ALICE)
    hold.let_go.set()
    with pytest.raises(StaleRecord):
        await task

    await memory.restarted().reconcile()()
    assert await list_templates(memory) == [newer]
    assert await memory.tenant_ids() == {shop.database.id, newer.id}


async def test_a_lost_answer_of_the_registry_is_an_error(memory: MemoryService) -> None:
    shop = await memory.create("Shop", caller=ALICE)
    failing = replace(memory, registry=FailingRegistry(memory.registry, 1, 2))
    with pytest.raises(Unavailable):
        await create_template(failing, shop.database.id, caller=ALICE)


async def test_a_lost_answer_to_the_last_change_keeps_the_new_template(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    former = await create_template(memory, "Shop", caller=ALICE)
    last = 5  # after the source, the new record, the source again and the copy
    failing = replace(memory, registry=FailingRegistry(memory.registry, last, last + 1, True))
    failing.provider = memory.provider
    with pytest.raises(Unavailable):
        await create_template(failing, shop.database.id, caller=ALICE)

    await memory.restarted().reconcile()()

    [template] = await list_templates(memory)
    assert template.id != former.id
    assert is_ready_template(template)


async def test_a_template_that_another_process_deleted_completely_leaves_nothing(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    """The process that creates it has lost its lease."""
    hold, task = await memory.hold(
        "before provision", create_template(memory, "Shop", caller=ALICE)
    )
    [creating] = await list_templates(memory)
    await delete_template(memory.restarted(), creating.id)
    assert (await memory.registry.get(creating.id)).is_gone
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await task
    assert await memory.tenant_ids() == {shop.database.id}
