"""Refusals of every use case: other callers, other targets, other states."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.system.leases import InProcessLeases
from domain.callers import ANYONE, Caller
from domain.errors import DatabaseNotFound, IllegalTransition, InFlight, OtherTarget
from domain.lifecycle import Operation, State
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.find_database import FindDatabase
from ports.use_cases.list_databases import ListDatabases, ListRequest
from tests.support.consistency import reconcile_once
from tests.support.memory_service import HOUR, MemoryService
from tests.support.people import ANN, BOB, OPERATOR
from tests.support.records import new_record

SALES = CreateRequest(nickname="Sales", key="once", ttl=HOUR)
RELABELLED, EXTENDED = ChangeRequest(labels={"a": "b"}), ChangeRequest(ttl=HOUR)

Use = Callable[[MemoryService, str, Caller], Awaitable[object]]
"""A use case for a database, by its id, for a caller."""


async def watch_to_end(memory: MemoryService, database_id: str, caller: Caller) -> object:
    return [look async for look in memory.watch()(database_id, caller=caller)]


USES: dict[str, Use] = {
    "show": lambda memory, id_, caller: FindDatabase(registry=memory.registry)(id_, caller),
    "connect": lambda memory, id_, caller: memory.show_connection()(id_, caller),
    "watch": watch_to_end,
    "change": lambda memory, id_, caller: memory.change()(id_, RELABELLED, caller),
    "extend": lambda memory, id_, caller: memory.change()(id_, EXTENDED, caller),
    "rotate": lambda memory, id_, caller: memory.rotate()(id_, caller),
    "add": lambda memory, id_, caller: memory.add_extension()(id_, "hstore", caller),
    "restore": lambda memory, id_, caller: memory.restore()(id_, None, caller),
    "delete": lambda memory, id_, caller: memory.deletion().request(id_, caller),
}
WITHOUT_CALLER: dict[str, Use] = {
    "drop": lambda memory, id_, _: memory.deletion().finish(id_),
    "wait until deleted": lambda memory, id_, _: memory.deletion().wait_until_deleted(id_),
}
OF_THE_TARGET: dict[str, Use] = {
    "create again": lambda memory, _, __: memory.create_database()(SALES),
    "request again": lambda memory, _, __: memory.create_database().request(SALES),
} | {name: USES[name] for name in ("connect", "rotate", "add", "restore", "delete")}
OF_WHAT_IS_READY = {name: USES[name] for name in ("connect", "change", "extend", "rotate", "add")}


def parametrize_uses(uses: dict[str, Use]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("use", uses.values(), ids=uses)


class NotToBeHeld(InProcessLeases):
    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        raise AssertionError(f"the lease {name} was acquired")
        yield False


async def create_for_ann(memory: MemoryService, state: State = State.READY) -> str:
    database = (await memory.create(caller=ANN)).database
    if state is State.EXPIRED:
        await memory.registry.update(database.transition_to(state))
    return database.id


@parametrize_uses(USES | WITHOUT_CALLER)
@pytest.mark.parametrize(
    "unknown", ["db_unknown", "", "\0", "\ud800", "x" * 10_000], ids=lambda it: ascii(it)[:20]
)
async def test_an_unknown_database_is_not_found(
    memory: MemoryService, use: Use, unknown: str
) -> None:
    with pytest.raises(DatabaseNotFound):
        await use(memory, unknown, ANYONE)


@parametrize_uses(USES)
@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
@pytest.mark.parametrize("is_at_work", [False, True], ids=["idle", "at-work"])
async def test_another_callers_database_is_not_found_and_not_touched(
    memory: MemoryService, use: Use, state: State, is_at_work: bool
) -> None:
    database_id = await create_for_ann(memory, state)
    before = await memory.only_record()
    unknown = database_id[:-1] + ("0" if database_id[-1] != "0" else "1")

    async with memory.leases.acquire(database_id if is_at_work else "another"):
        with pytest.raises(DatabaseNotFound) as theirs:
            await use(memory, database_id, BOB)
    with pytest.raises(DatabaseNotFound) as nobodys:
        await use(memory, unknown, BOB)

    assert str(theirs.value).replace(database_id, unknown) == str(nobodys.value)
    assert await memory.only_record() == before


@pytest.mark.parametrize("use", ["rotate", "add", "restore"])
async def test_no_use_case_takes_the_lease_of_another_callers_database(
    memory: MemoryService, use: str
) -> None:
    """Otherwise a caller could block others by repeating the call."""
    database_id = await create_for_ann(memory, State.EXPIRED if use == "restore" else State.READY)
    memory.leases = NotToBeHeld()

    with pytest.raises(DatabaseNotFound):
        await USES[use](memory, database_id, BOB)


@pytest.mark.parametrize("caller", [ANN, OPERATOR], ids=["owner", "admin"])
@pytest.mark.parametrize("use", USES)
async def test_owners_and_admins_find_a_database(
    memory: MemoryService, use: str, caller: Caller
) -> None:
    database_id = await create_for_ann(memory, State.EXPIRED if use == "restore" else State.READY)
    await USES[use](memory, database_id, caller)


@pytest.mark.parametrize(("caller", "names"), [(ANN, {"ann"}), (OPERATOR, {"ann", "bob"})])
async def test_a_list_shows_what_the_caller_may_see(
    memory: MemoryService, caller: Caller, names: set[str]
) -> None:
    await create_for_ann(memory)
    await memory.create("Stock", caller=BOB)

    page = await ListDatabases(registry=memory.registry)(ListRequest(), caller)

    assert {database.caller for database in page.databases} == names


@parametrize_uses(OF_WHAT_IS_READY)
@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
async def test_only_a_ready_database_is_used(memory: MemoryService, state: State, use: Use) -> None:
    record = await memory.registry.add(new_record(state=state))
    is_soon = state is State.PROVISIONING

    with pytest.raises(
        InFlight if is_soon else IllegalTransition,
        match="is provisioning" if is_soon else f"is {state}, not ready",
    ):
        await use(memory, record.id, ANYONE)

    assert await memory.only_record() == record


@parametrize_uses(OF_WHAT_IS_READY)
async def test_a_database_past_its_expiry_is_not_used(memory: MemoryService, use: Use) -> None:
    database = (await memory.create(ttl=HOUR)).database
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match="is expired"):
        await use(memory, database.id, ANYONE)

    assert await memory.only_record() == database


@pytest.mark.parametrize("state", sorted(set(State) - {State.EXPIRED}))
async def test_only_an_expired_database_is_restored(memory: MemoryService, state: State) -> None:
    record = await memory.registry.add(new_record(state=state))

    with pytest.raises(IllegalTransition, match=f"is {state}; only an expired one"):
        await memory.restore()(record.id)

    assert await memory.only_record() == record


async def create_elsewhere(memory: MemoryService, state: State) -> MemoryService:
    """Create a database in that state; return the service over another target."""
    record = await memory.create_database().request(SALES)
    if state is not State.PROVISIONING:
        record = (await memory.create_database()(SALES)).database
    if state is State.EXPIRED:
        ended = record.transition_to(state).start(Operation.SUSPEND, memory.clock.now())
        await memory.registry.update(ended.complete(Operation.SUSPEND, memory.clock.now()))
    if state is State.DELETING:
        await memory.deletion().request(record.id)
    return memory.elsewhere()


LIVING = [State.PROVISIONING, State.READY, State.EXPIRED, State.DELETING]
each_living = pytest.mark.parametrize("state", LIVING)


@each_living
@parametrize_uses(OF_THE_TARGET)
async def test_a_database_of_another_target_is_refused(
    memory: MemoryService, use: Use, state: State
) -> None:
    other = await create_elsewhere(memory, state)
    record, acquire = await memory.only_record(), await memory.tenant_ids()

    with pytest.raises(OtherTarget, match="on 'here', and this service now uses"):
        await use(other, record.id, ANYONE)

    assert (await memory.only_record(), await memory.tenant_ids()) == (record, acquire)


@each_living
async def test_a_database_of_another_target_is_shown_but_not_reconciled(
    memory: MemoryService, state: State
) -> None:
    other = await create_elsewhere(memory, state)
    record, acquire = await memory.only_record(), await memory.tenant_ids()

    assert await FindDatabase(registry=other.registry)(record.id) == record
    assert (await ListDatabases(registry=other.registry)(ListRequest())).databases == [record]
    other.clock.moment += timedelta(days=9)
    assert await reconcile_once(other) == []

    assert (await memory.only_record(), await memory.tenant_ids()) == (record, acquire)


async def test_a_deleted_database_of_another_target_counts_as_deleted(
    memory: MemoryService,
) -> None:
    other = await create_elsewhere(memory, State.DELETING)
    await memory.reconcile()()
    gone_record = await memory.only_record()

    assert await other.deletion().request(gone_record.id) == gone_record


async def test_names_are_unique_per_target_only(memory: MemoryService) -> None:
    other = await create_elsewhere(memory, State.READY)

    assert (
        await other.create_database()(replace(SALES, key="another"))
    ).connection.database == "sales"
    assert len(await memory.records()) == 2
