"""Databases that are copies of a template or of a database."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from domain.callers import Caller, Scope
from domain.errors import (
    AmbiguousName,
    CopyUnsupported,
    DatabaseNotFound,
    Forbidden,
    IdempotencyKeyReused,
    IllegalTransition,
    InvalidRequest,
    OtherTarget,
    PgvendError,
    SourceInUse,
)
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import ScriptedProvider
from tests.support.memory_service import HOUR, MemoryService
from tests.support.records import ELSEWHERE
from tests.support.templates import ADMIN, ALICE, BOB, create_template, fork

CREATE_ONLY = Caller(name="alice", scopes=frozenset({Scope.CREATE}))


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
    await assert_refused(other, OtherTarget, source="Shop", caller=ALICE)
    await assert_refused(other, OtherTarget, template="v1", caller=ALICE)


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
