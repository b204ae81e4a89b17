"""Databases that a request does not reuse: of other callers, nicknames, sources and targets."""

from dataclasses import replace
from typing import Any

import pytest

from domain.callers import ANONYMOUS, Caller, Scope
from domain.errors import (
    AmbiguousName,
    ExtensionUnavailable,
    Forbidden,
    InvalidDuration,
    InvalidLabels,
    InvalidNickname,
    InvalidRequest,
    OtherSource,
    OtherTarget,
    QuotaReached,
)
from domain.expiry import ExpiryPolicy
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN, BOB, CALLER_SCOPES, create_caller
from tests.support.reuse import PR, reuse
from tests.support.templates import create_template, delete_template


async def test_reuse_consumes_no_quota_but_a_new_database_does(memory: MemoryService) -> None:
    caller = create_caller("ann", quota=1)
    first = await reuse(memory, caller=caller)
    assert (await reuse(memory, caller=caller)).database.id == first.database.id
    with pytest.raises(QuotaReached):
        await reuse(memory, caller=caller, nickname="pr 8")


async def test_the_nickname_of_another_caller_is_another_database(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    bobs = await reuse(memory, caller=BOB)
    admins = await reuse(memory, caller=Caller(name="root", scopes=frozenset({Scope.ADMIN})))
    assert len({each.database.id for each in (first, bobs, admins)}) == 3
    assert bobs.is_new
    assert admins.is_new


async def test_another_spelling_of_the_nickname_is_another_database(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    for nickname in ("PR 7", "pr7", first.database.id):
        assert (await reuse(memory, nickname=nickname)).is_new


async def test_a_nickname_of_several_databases_is_refused_with_their_ids(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    other = await memory.create("pr 7", caller=ANN)
    for answer in (reuse(memory), memory.reuse_database().request(PR)):
        with pytest.raises(AmbiguousName) as refused:
            await answer
        assert first.database.id in str(refused.value)
        assert other.database.id in str(refused.value)


REFUSED_CALLERS = {
    "without read": create_caller("ann", scopes=CALLER_SCOPES - {Scope.READ}),
    "without manage": create_caller("ann", scopes=CALLER_SCOPES - {Scope.MANAGE}),
    "without create": create_caller("ann", scopes=CALLER_SCOPES - {Scope.CREATE}),
    "for a web page": create_caller("ann", origins=frozenset({"https://shop.test"})),
    "an admin's for a web page": create_caller(
        "ann", scopes=frozenset({Scope.ADMIN}), origins=frozenset({"https://shop.test"})
    ),
    "anonymous": create_caller(ANONYMOUS, is_anonymous=True),
}


@pytest.mark.parametrize("caller", REFUSED_CALLERS.values(), ids=REFUSED_CALLERS)
async def test_callers_that_may_not_see_an_existing_password_are_refused(
    memory: MemoryService, caller: Caller
) -> None:
    request = replace(PR, caller=caller)
    for answer in (reuse(memory, request), memory.reuse_database().request(request)):
        with pytest.raises(Forbidden):
            await answer
    assert await memory.records() == []


INVALID = {
    "nickname": ({"nickname": "!"}, InvalidNickname),
    "control characters": ({"nickname": "a\0b"}, InvalidNickname),
    "labels": ({"labels": {"": ""}}, InvalidLabels),
    "duration": ({"ttl": 2 * HOUR}, InvalidDuration),
    "extension": ({"extensions": ("nosuch",)}, ExtensionUnavailable),
    "key": ({"key": "ä"}, InvalidRequest),
    "two sources": ({"template": "a", "source": "b"}, InvalidRequest),
}


@pytest.mark.parametrize(("changes", "error"), INVALID.values(), ids=INVALID)
async def test_an_invalid_request_changes_nothing(
    memory: MemoryService, changes: dict[str, Any], error: type[Exception]
) -> None:
    memory.expiry = ExpiryPolicy(max_ttl=HOUR)
    first = await reuse(memory)
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(first.database.id)
    before = await memory.only_record()

    with pytest.raises(error):
        await reuse(memory, **changes)

    assert await memory.only_record() == before


async def test_a_copy_is_reused_for_the_same_source_only(memory: MemoryService) -> None:
    shop = await memory.create("Shop", caller=ANN)
    await memory.create("Other", caller=ANN)
    await create_template(memory, "Shop", "v1", caller=ANN)
    template = await create_template(memory, "Shop", "v2", caller=ANN)
    origins: dict[str, dict[str, Any]] = {
        "empty": {},
        "v1": {"template": "v1"},
        "v2": {"template": "v2"},
        "fork": {"source": "Shop"},
    }
    copies = {name: (await reuse(memory, nickname=name, **origins[name])) for name in origins}

    for name, copy in copies.items():
        for other, origin in origins.items():
            if name == other:
                assert (await reuse(memory, nickname=name, **origin)).connection == copy.connection
                continue
            with pytest.raises(OtherSource, match="delete it first"):
                await reuse(memory, nickname=name, **origin)
    for source in (shop.database.id, shop.database.names.database):
        assert not (await reuse(memory, nickname="fork", source=source)).is_new
    assert not (await reuse(memory, nickname="v2", template=template.id)).is_new


async def test_a_template_that_was_replaced_or_deleted_since_is_the_same(
    memory: MemoryService,
) -> None:
    await memory.create("Shop", caller=ANN)
    await create_template(memory, "Shop", "v1", caller=ANN)
    first = await reuse(memory, template="v1")

    template = await create_template(memory, "Shop", "v1", caller=ANN)
    assert (await reuse(memory, template="v1")).database.id == first.database.id
    await delete_template(memory, template.id)
    assert (await reuse(memory, template="v1")).database.id == first.database.id


async def test_a_source_without_a_record_is_known_by_its_id_alone(memory: MemoryService) -> None:
    """The registry may come from a backup."""
    first = await reuse(memory)
    lost = replace(first.database, source="db_01kdyak348cbh82spsq33n26ds")
    await memory.registry.update(lost)

    assert not (await reuse(memory, source=lost.source)).is_new
    with pytest.raises(OtherSource):
        await reuse(memory, source="Shop")


async def test_a_database_on_another_target_is_not_reused(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    with pytest.raises(OtherTarget):
        await reuse(memory.elsewhere())
