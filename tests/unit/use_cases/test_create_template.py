"""Templates: created, replaced, listed and deleted."""

import asyncio
from dataclasses import replace

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.decorators.logging import LoggingRegistry
from adapters.memory.provider import MemoryProvider, no_fault
from domain.database import Database
from domain.errors import (
    CopyUnsupported,
    DatabaseNotFound,
    Forbidden,
    InFlight,
    InvalidRequest,
    OtherTarget,
    ProviderBusy,
    QuotaReached,
    SourceInUse,
    StaleRecord,
    TemplateNotFound,
    Unavailable,
)
from domain.lifecycle import State
from domain.names import PgNames
from domain.reconciliation import ReconcileAction
from domain.templates import describe_state, is_ready_template
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import FailAt, FailingRegistry, ScriptedProvider
from tests.support.memory_service import DELETING, HOUR, PROVISIONING, MemoryService
from tests.support.records import ELSEWHERE
from tests.support.templates import ADMIN, ALICE, BOB, create_template, delete_template

SUSPENDING = ["before suspend", "after suspend"]


@pytest.fixture
async def shop(memory: MemoryService) -> ProvisionedDatabase:
    """A database of Alice, with contents."""
    shop = await memory.create("Shop", caller=ALICE)
    memory.provider.contents.write(shop.database.id, "apples")
    return shop


async def list_templates(memory: MemoryService) -> list[Database]:
    return await memory.templates().list(ALICE)


async def test_a_template_is_a_closed_copy_with_opaque_names(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", "v1", caller=ALICE)

    assert await list_templates(memory) == [template]
    assert (template.nickname.text, template.caller) == ("v1", "alice")
    assert template.names == PgNames.from_id(template.id)
    assert template.source == shop.database.id
    assert (template.state, describe_state(template)) == (State.TEMPLATE, State.READY)
    assert is_ready_template(template)
    assert (template.wake_at, template.expires_at) == (None, None)
    assert memory.provider.contents.read(template.id) == ("apples",)
    assert not memory.accepts_login(template)
    assert memory.accepts_login(shop.database)


@pytest.mark.parametrize("name", ["", "default", "a b", "ä", "-a", "a" * 64, "a\n", "a=1", "a,b"])
async def test_an_invalid_name_is_refused(memory: MemoryService, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await create_template(memory, "Shop", name)


@pytest.mark.parametrize("name", ["a", "0", "A.b-c_d", "a" * 63, "Default"])
async def test_a_valid_name_is_kept(
    memory: MemoryService, shop: ProvisionedDatabase, name: str
) -> None:
    assert (await create_template(memory, "Shop", name, caller=ALICE)).nickname.text == name


async def test_the_database_of_another_caller_cannot_be_copied(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    for name in (shop.database.id, "Shop"):
        with pytest.raises(DatabaseNotFound):
            await create_template(memory, name, caller=BOB)
    assert await memory.records() == [shop.database]


async def test_only_an_admin_can_share_a_template(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    with pytest.raises(Forbidden):
        await create_template(memory, "Shop", caller=ALICE, is_shared=True)

    shared = await create_template(memory, "Shop", caller=ADMIN, is_shared=True)

    assert await memory.templates().list(BOB) == [shared]
    copy = await memory.create("Copy", template="shop", caller=BOB)
    assert memory.provider.contents.read(copy.database.id) == ("apples",)


async def test_callers_see_their_own_and_shared_templates_and_admins_all(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    own = await create_template(memory, "Shop", caller=ALICE)
    private = await create_template(memory, "Shop", caller=ADMIN)
    shared = await create_template(memory, "Shop", "common", caller=ADMIN, is_shared=True)
    templates = memory.templates()

    assert await templates.list(ALICE) == [shared, own]
    assert await templates.list(BOB) == [shared]
    assert await templates.list(ADMIN) == [shared, private, own]
    assert await templates.show(own.id, ALICE) == own
    assert await templates.show(shared.id, BOB) == shared
    for hidden in (own.id, private.id, shop.database.id, "db_unknown", ""):
        with pytest.raises(TemplateNotFound, match="no template"):
            await templates.show(hidden, BOB)


async def test_the_own_template_comes_before_a_shared_one_of_the_same_name(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    shared = await create_template(memory, "Shop", caller=ADMIN, is_shared=True)
    own = await create_template(memory, "Shop", caller=ALICE)
    hidden = await create_template(memory, "Shop", caller=replace(ADMIN, name="root"))

    for caller, expected in ((ALICE, own), (BOB, shared)):
        copy = await memory.create("Copy", template="shop", caller=caller)
        assert copy.database.source == expected.id
    copy = await memory.create("Copy", template=shared.id, caller=ALICE)
    assert copy.database.source == shared.id
    with pytest.raises(TemplateNotFound):
        await memory.create("Copy", template=hidden.id, caller=ALICE)


async def test_a_template_counts_towards_the_quota(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    with pytest.raises(QuotaReached):
        await create_template(memory, "Shop", caller=replace(ALICE, quota=1))
    two = replace(ALICE, quota=2)
    template = await create_template(memory, "Shop", caller=two)
    with pytest.raises(QuotaReached):
        await memory.create("Copy", template="shop", caller=two)
    await delete_template(memory, template.id)
    await memory.create("Other", caller=two)


async def test_sessions_in_the_source_prevent_the_copy_unless_they_may_be_ended(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    memory.provider.contents.sessions[shop.database.id] = 1
    with pytest.raises(SourceInUse):
        await create_template(memory, "Shop", caller=ALICE)
    assert await list_templates(memory) == []
    assert await memory.tenant_ids() == {shop.database.id}

    await create_template(memory, "Shop", caller=ALICE, ends_sessions=True)


async def test_a_provider_that_cannot_copy_refuses(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    memory.provider = ScriptedProvider(memory.provider)  # type: ignore[assignment]
    with pytest.raises(CopyUnsupported):
        await create_template(memory, "Shop", caller=ALICE)


async def test_a_new_template_replaces_the_former_one_of_the_same_caller_and_name(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    others = [
        await create_template(memory, "Shop", "other", caller=ALICE),
        await create_template(memory, "Shop", caller=ADMIN),
    ]
    former = await create_template(memory, "Shop", caller=ALICE)

    new = await create_template(memory, "Shop", caller=ALICE)

    assert await memory.templates().list(ADMIN) == [new, *reversed(others)]
    assert (await memory.registry.get(former.id)).state is State.DELETED
    assert former.id not in await memory.tenant_ids()


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


async def test_the_copies_of_a_deleted_template_stay(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", caller=ALICE)
    copy = await memory.create("Copy", template="shop", caller=ALICE)

    await delete_template(memory, template.id)
    await delete_template(memory, template.id)

    assert await list_templates(memory) == []
    assert memory.accepts_login(copy.database)
    with pytest.raises(TemplateNotFound, match="'shop'"):
        await memory.create("Copy", template="shop", caller=ALICE)
    with pytest.raises(TemplateNotFound, match="was deleted"):
        await memory.create("Copy", template=template.id, caller=ALICE)


async def test_a_template_can_be_deleted_by_its_caller_and_an_admin_only(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    templates = memory.templates()
    own = await create_template(memory, "Shop", caller=ALICE)
    shared = await create_template(memory, "Shop", caller=ADMIN, is_shared=True)

    for refused in (own.id, shop.database.id, "db_unknown"):
        with pytest.raises(TemplateNotFound, match="no template"):
            await templates.request_deletion(refused, BOB)
    with pytest.raises(TemplateNotFound):  # it is a database
        await templates.request_deletion(shop.database.id, ALICE)
    with pytest.raises(Forbidden, match="another caller"):
        await templates.request_deletion(shared.id, ALICE)
    assert await templates.list(ADMIN) == [shared, own]

    assert (await templates.request_deletion(own.id, ALICE)).state is State.DELETING
    assert (await templates.request_deletion(shared.id, ADMIN)).state is State.DELETING


async def test_a_template_on_another_target_is_not_deleted_or_copied(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", caller=ALICE)
    elsewhere = replace(memory, target=ELSEWHERE)

    with pytest.raises(OtherTarget):
        await elsewhere.templates().request_deletion(template.id, ALICE)
    with pytest.raises(OtherTarget):
        await elsewhere.create("Copy", template=template.id, caller=ALICE)


async def test_a_template_is_not_a_database(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", caller=ALICE)
    for call in (
        memory.deletion().request(template.id),
        memory.show_connection()(template.id),
        memory.rotate()(template.id),
        memory.restore()(template.id),
        memory.add_extension()(template.id, "citext"),
    ):
        with pytest.raises(DatabaseNotFound, match="no database"):
            await call
    assert await list_templates(memory) == [template]


async def test_a_missing_template_is_marked_and_a_found_one_is_a_template_again(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", caller=ALICE)
    memory.clock.moment = memory.clock.moment.replace(year=2027)
    present, memory.provider = memory.provider, MemoryProvider()
    await memory.provider.provision(shop.database.to_provision_request(memory.passwords))

    await memory.reconcile()()
    assert await list_templates(memory) == []
    assert (await memory.registry.get(template.id)).is_missing

    memory.provider = present
    await memory.reconcile()()
    assert [found.id for found in await list_templates(memory)] == [template.id]


async def test_a_lost_answer_of_the_registry_is_an_error(memory: MemoryService) -> None:
    shop = await memory.create("Shop", caller=ALICE)
    failing = replace(memory, registry=FailingRegistry(memory.registry, 1, 2))
    with pytest.raises(Unavailable):
        await create_template(failing, shop.database.id, caller=ALICE)


async def test_a_template_is_logged_while_it_is_created_and_when_it_is_ready(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    logged = replace(memory, registry=LoggingRegistry(memory.registry, structlog.get_logger()))
    logged.provider = memory.provider
    with capture_logs() as events:
        template = await create_template(logged, "Shop", "v1", caller=ALICE)
        await delete_template(logged, template.id)

    assert [(event["event"], event["nickname"]) for event in events] == [
        ("template.provisioning", "v1"),
        ("template.ready", "v1"),
        ("template.deleting", "v1"),
        ("template.deleted", "v1"),
    ]


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
