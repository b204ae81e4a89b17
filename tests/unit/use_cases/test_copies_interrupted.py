"""Copies that are interrupted, or whose source is deleted meanwhile."""

import asyncio

import pytest

from adapters.memory.provider import no_fault
from domain.callers import Caller, Scope
from domain.errors import (
    IllegalTransition,
    InFlight,
)
from domain.lifecycle import State
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import MemoryService
from tests.support.templates import ALICE, create_template, delete_template, fork

CREATE_ONLY = Caller(name="alice", scopes=frozenset({Scope.CREATE}))


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
