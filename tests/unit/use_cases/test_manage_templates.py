"""Templates: listed, shown and deleted."""

from dataclasses import replace

import pytest

from domain.errors import (
    AmbiguousName,
    DatabaseNotFound,
    Forbidden,
    OtherTarget,
    TemplateNotFound,
)
from domain.lifecycle import State
from domain.names import Nickname
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import MemoryService
from tests.support.people import OPERATOR
from tests.support.records import ELSEWHERE, new_record
from tests.support.templates import (
    ADMIN,
    ALICE,
    BOB,
    create_template,
    delete_template,
    list_templates,
)


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


async def test_a_name_stands_for_the_callers_own_template_before_a_shared_one(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    shared = await create_template(memory, "Shop", caller=ADMIN, is_shared=True)
    show = memory.templates().show
    assert await show("shop", BOB) == await show("shop", ALICE) == shared

    own = await create_template(memory, "Shop", caller=ALICE)

    assert await show("shop", ALICE) == own
    assert await show("shop", BOB) == await show("shop", ADMIN) == shared
    for unknown in ("Shop", "shop2", shop.database.names.database + "_x"):
        with pytest.raises(TemplateNotFound, match="no template"):
            await show(unknown, ALICE)


async def test_an_admin_finds_the_template_of_another_caller_by_a_name_that_one_caller_has(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    first = await create_template(memory, "Shop", caller=ALICE)
    show = memory.templates().show
    assert await show("shop", ADMIN) == first
    latest = await create_template(memory, "Shop", caller=ALICE)
    assert await show("shop", ADMIN) == latest
    deleting = replace(new_record(state=State.DELETING), nickname=Nickname("shop"), caller=BOB.name)
    await memory.registry.add(deleting)  # a database
    assert await show("shop", ADMIN) == latest

    theirs = replace(latest, id=new_record().id, names=new_record().names, caller=BOB.name)
    await memory.registry.add(theirs)

    with pytest.raises(AmbiguousName) as refused:
        await show("shop", ADMIN)
    assert latest.id in str(refused.value)
    assert theirs.id in str(refused.value)
    assert (await show("shop", BOB)).id == theirs.id

    shared = await create_template(memory, "Shop", caller=ADMIN, is_shared=True)
    assert await show("shop", OPERATOR) == shared


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
