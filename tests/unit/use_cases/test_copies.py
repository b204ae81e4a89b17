"""Databases that are copies of a template or of a database."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from adapters.memory.provider import no_fault
from domain.callers import Caller, Scope
from domain.errors import (
    AmbiguousName,
    CopyUnsupported,
    DatabaseNotFound,
    Forbidden,
    IdempotencyKeyReused,
    IllegalTransition,
    InFlight,
    InvalidRequest,
    OtherTarget,
    PgvendError,
    SourceInUse,
    TemplateNotFound,
)
from domain.lifecycle import State
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import ScriptedProvider
from tests.support.memory_service import HOUR, MemoryService
from tests.support.records import ELSEWHERE
from tests.support.templates import ADMIN, ALICE, BOB, create_template, delete_template

CREATE_ONLY = Caller(name="alice", scopes=frozenset({Scope.CREATE}))


@pytest.fixture
async def shop(memory: MemoryService) -> ProvisionedDatabase:
    """A database of Alice, with contents."""
    shop = await memory.create("Shop", caller=ALICE, extensions=("citext",))
    memory.provider.contents.write(shop.database.id, "apples")
    return shop


async def fork(memory: MemoryService, source: str, **more: Any) -> ProvisionedDatabase:
    return await memory.create("Copy", source=source, caller=ALICE, **more)


async def assert_refused(
    memory: MemoryService, error: type[PgvendError], **request: Any
) -> PgvendError:
    """Check that the creation raises that error and records nothing."""
    before = await memory.records()
    with pytest.raises(error) as raised:
        await memory.create("Copy", **request)
    assert await memory.records() == before
    return raised.value


@pytest.mark.parametrize("name", ["Shop", "shop", "the id"])
async def test_a_fork_has_the_contents_of_the_database_of_that_id_nickname_or_name(
    memory: MemoryService, shop: ProvisionedDatabase, name: str
) -> None:
    copy = await fork(memory, shop.database.id if name == "the id" else name)

    memory.provider.contents.write(copy.database.id, "pears")
    assert memory.provider.contents.read(copy.database.id) == ("apples", "pears")
    assert memory.provider.contents.read(shop.database.id) == ("apples",)
    assert memory.provider.list_installed(copy.database.tenant) == {"citext"}
    assert copy.database.source == shop.database.id
    assert memory.accepts_login(copy.database)
    assert memory.accepts_login(shop.database)


async def test_a_template_is_copied_with_its_contents_at_that_time(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", "v1", caller=ALICE)
    memory.provider.contents.write(shop.database.id, "pears")

    copy = await memory.create("Copy", template="v1", caller=ALICE)

    assert memory.provider.contents.read(copy.database.id) == ("apples",)
    assert copy.database.source == template.id
    assert memory.accepts_login(copy.database)


async def test_a_key_that_may_only_create_can_use_templates_but_not_fork(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    """A copy shows everything in its source."""
    await create_template(memory, "Shop", "v1", caller=ALICE)

    await memory.create("Copy", template="v1", caller=CREATE_ONLY)

    await assert_refused(memory, Forbidden, source=shop.database.id, caller=CREATE_ONLY)


async def test_the_database_of_another_caller_cannot_be_copied(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    for name in (shop.database.id, "Shop", "shop"):
        error = await assert_refused(memory, DatabaseNotFound, source=name, caller=BOB)
        assert str(error) == f"There is no database {name!r}."


async def test_a_template_and_a_spare_are_not_databases_to_fork(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", "v1", caller=ALICE)
    for name in ("v1", template.id):
        await assert_refused(memory, DatabaseNotFound, source=name, caller=ALICE)


async def test_a_name_of_several_databases_is_refused_with_their_ids(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    second = await memory.create("Shop", caller=ALICE)

    error = await assert_refused(memory, AmbiguousName, source="Shop", caller=ALICE)

    assert shop.database.id in str(error)
    assert second.database.id in str(error)
    assert (await fork(memory, second.database.names.database)).database.source == (
        second.database.id
    )


async def test_the_same_nickname_of_another_caller_or_a_deleted_database_is_not_ambiguous(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    await memory.create("Shop", caller=BOB)
    await memory.delete((await memory.create("Shop", caller=ALICE)).database.id)

    assert (await fork(memory, "Shop")).database.source == shop.database.id


async def test_an_expired_database_cannot_be_copied(memory: MemoryService) -> None:
    short = await memory.create("Short", caller=ALICE, ttl=HOUR)
    memory.clock.moment += HOUR

    for name in (short.database.id, "Short"):
        await assert_refused(memory, IllegalTransition, source=name, caller=ALICE)


async def test_a_database_on_another_target_cannot_be_copied(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    await create_template(memory, "Shop", "v1", caller=ALICE)
    other = replace(memory, target=ELSEWHERE)
    await assert_refused(other, OtherTarget, source=shop.database.id, caller=ALICE)
    await assert_refused(other, DatabaseNotFound, source="Shop", caller=ALICE)
    await assert_refused(other, TemplateNotFound, template="v1", caller=ALICE)


async def test_a_provider_that_cannot_copy_is_not_asked_to(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    await create_template(memory, "Shop", "v1", caller=ALICE)
    memory.provider = ScriptedProvider(memory.provider)  # type: ignore[assignment]

    await assert_refused(memory, CopyUnsupported, source=shop.database.id, caller=ALICE)
    await assert_refused(memory, CopyUnsupported, template="v1", caller=ALICE)


async def test_sessions_in_the_source_prevent_the_copy_unless_they_may_be_ended(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    memory.provider.contents.sessions[shop.database.id] = 2

    with pytest.raises(SourceInUse):
        await fork(memory, "Shop")
    assert memory.provider.contents.sessions == {shop.database.id: 2}
    assert await memory.tenant_ids() == {shop.database.id}

    await fork(memory, "Shop", ends_sessions=True)
    assert memory.provider.contents.sessions == {}


@pytest.mark.parametrize(
    "members",
    [
        {"template": "a", "source": "b"},
        {"ends_sessions": True},
        {"template": "a", "ends_sessions": True},
    ],
)
async def test_contradicting_members_are_refused(
    memory: MemoryService, members: dict[str, Any]
) -> None:
    await assert_refused(memory, InvalidRequest, **members)


async def test_the_idempotency_key_covers_the_source(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    copy = await fork(memory, "Shop", key="one")

    assert (await fork(memory, "Shop", key="one")).database.id == copy.database.id
    for members in ({}, {"source": "shop"}, {"source": "Shop", "ends_sessions": True}):
        await assert_refused(memory, IdempotencyKeyReused, caller=ALICE, key="one", **members)


def test_the_digest_of_a_request_for_an_empty_database_is_that_of_earlier_releases() -> None:
    key = CreateRequest(nickname="Sales", key="one").to_idempotency_key()
    assert key
    assert key.body == sha256(b'["Sales", null, [], [], "suffix"]').hexdigest()


async def test_a_fork_is_recorded_first_and_finished_in_the_background(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    create = memory.create_database()
    record = await create.request(CreateRequest(nickname="Copy", source="Shop", caller=ALICE))
    assert (record.state, record.source) == (State.PROVISIONING, shop.database.id)

    assert await create.finish(record.id)

    assert memory.provider.contents.read(record.id) == ("apples",)


async def test_a_fork_that_was_interrupted_is_finished_with_the_contents(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    _, task = await memory.hold("during provision", fork(memory, "Shop", key="one"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    memory.fault_hook = no_fault
    await memory.restarted().reconcile()()

    copy = await fork(memory, "Shop", key="one")
    assert copy.database.state is State.READY
    assert memory.provider.contents.read(copy.database.id) == ("apples",)


async def test_a_fork_of_a_database_that_is_deleted_meanwhile_fails_and_leaves_nothing(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    for moment in ("before provision", "during provision"):
        source = await memory.create("Source", caller=ALICE)
        hold, task = await memory.hold(moment, fork(memory, source.database.id))
        await memory.deletion().request(source.database.id)
        hold.let_go.set()
        deletion = asyncio.create_task(memory.deletion().finish(source.database.id))
        outcomes = await asyncio.gather(task, deletion, return_exceptions=True)

        assert isinstance(outcomes[0], (ProvisionedDatabase, IllegalTransition)), outcomes
        copies = (
            {outcomes[0].database.id} if isinstance(outcomes[0], ProvisionedDatabase) else set()
        )
        assert await memory.tenant_ids() == {shop.database.id} | copies
        for copy in copies:
            await memory.delete(copy)


async def test_a_fork_of_a_deleted_database_is_undone_when_it_is_finished(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    create = memory.create_database()
    record = await create.request(CreateRequest(nickname="Copy", source="Shop", caller=ALICE))
    await memory.delete(shop.database.id)

    with pytest.raises(IllegalTransition, match="which was to be copied"):
        await create.finish(record.id)

    assert (await memory.registry.get(record.id)).state is State.FAILED
    assert await memory.tenant_ids() == set()


async def test_a_copy_of_a_template_that_is_replaced_meanwhile_can_be_retried(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    template = await create_template(memory, "Shop", "v1", caller=ALICE)
    hold, task = await memory.hold(
        "during provision", memory.create("Copy", template="v1", caller=ALICE)
    )
    await delete_template(memory, template.id)
    hold.let_go.set()

    with pytest.raises(InFlight, match="retry"):
        await task
    assert await memory.tenant_ids() == {shop.database.id}


async def test_an_admin_can_copy_any_database_by_id(
    memory: MemoryService, shop: ProvisionedDatabase
) -> None:
    copy = await memory.create("Copy", source=shop.database.id, caller=ADMIN)
    assert memory.provider.contents.read(copy.database.id) == ("apples",)


async def test_a_spare_of_a_template_is_claimed_with_its_contents() -> None:
    memory = MemoryService(counts={"shop": 1})
    shop = await memory.create("Shop", caller=ALICE)
    memory.provider.contents.write(shop.database.id, "apples")
    template = await create_template(memory, "Shop", caller=ALICE)
    await memory.maintain_spares()()
    [spare] = await memory.spares()

    copy = await memory.create("Copy", template="shop", caller=ALICE)

    assert (copy.database.id, copy.database.source) == (spare.id, template.id)
    assert memory.provider.contents.read(copy.database.id) == ("apples",)
    assert memory.accepts_login(copy.database)
