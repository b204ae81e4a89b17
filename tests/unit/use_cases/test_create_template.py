"""Templates: created, shared and replaced."""

from dataclasses import replace

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.decorators.logging import LoggingRegistry
from adapters.memory.provider import MemoryProvider
from domain.errors import (
    CopyUnsupported,
    DatabaseNotFound,
    Forbidden,
    InvalidRequest,
    QuotaReached,
    SourceInUse,
    TemplateNotFound,
)
from domain.lifecycle import State
from domain.names import PgNames
from domain.templates import describe_state, is_ready_template
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import ScriptedProvider
from tests.support.memory_service import MemoryService
from tests.support.templates import (
    ADMIN,
    ALICE,
    BOB,
    create_template,
    delete_template,
    list_templates,
)


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
