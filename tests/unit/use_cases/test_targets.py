"""A service whose provider was changed: what was made elsewhere is shown, and not touched."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import OtherTarget
from domain.states import State
from domain.steps import Work
from ports.driving.list import ListDatabases, ListRequest
from ports.driving.show import ShowDatabase
from ports.driving.vend import VendRequest
from tests.support.aftermath import found
from tests.support.records import ELSEWHERE
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales", key="once", ttl=timedelta(hours=1))

Use = Callable[[Memory, str], Awaitable[object]]


async def vend_again(memory: Memory, database_id: str) -> object:
    return await memory.vend()(SALES)


async def promise_again(memory: Memory, database_id: str) -> object:
    return await memory.vend().promise(SALES)


async def connect(memory: Memory, database_id: str) -> object:
    return await memory.connect()(database_id)


async def rotate(memory: Memory, database_id: str) -> object:
    return await memory.rotate()(database_id)


async def restore(memory: Memory, database_id: str) -> object:
    return await memory.restore()(database_id)


async def retire(memory: Memory, database_id: str) -> object:
    return await memory.retire().promise(database_id)


USES: list[Use] = [vend_again, promise_again, connect, rotate, restore, retire]
LIVING = [State.PROVISIONING, State.READY, State.EXPIRED, State.RETIRING]


async def moved(state: State) -> tuple[Memory, Memory]:
    """A service, and the same one over another provider; the first has left a database so."""
    first = Memory()
    record = await first.vend().promise(SALES)
    if state is not State.PROVISIONING:
        record = (await first.vend()(SALES)).database
    if state is State.EXPIRED:
        ended = record.moved(state).began(Work.SUSPEND, first.clock.now())
        await first.registry.update(ended.did(Work.SUSPEND, first.clock.now()))
    if state is State.RETIRING:
        await first.retire().promise(record.id)
    second = Memory(
        registry=first.registry,
        leases=first.leases,
        clock=first.clock,
        randomness=first.randomness,
        target=ELSEWHERE,
    )
    return first, second


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
async def test_what_was_made_elsewhere_is_refused_and_not_touched(use: Use, state: State) -> None:
    first, second = await moved(state)
    record, held = await first.only_record(), await first.held()

    with pytest.raises(OtherTarget, match="made on 'here'"):
        await use(second, record.id)

    assert await first.only_record() == record
    assert await first.held() == held


@pytest.mark.parametrize("state", LIVING)
async def test_what_was_made_elsewhere_is_shown_and_listed(state: State) -> None:
    _, second = await moved(state)
    record = await second.only_record()

    assert await ShowDatabase(registry=second.registry)(record.id) == record
    page = await ListDatabases(registry=second.registry)(ListRequest())
    assert page.databases == [record]


@pytest.mark.parametrize("state", LIVING)
async def test_what_was_made_elsewhere_is_not_swept(state: State) -> None:
    first, second = await moved(state)
    record, held = await first.only_record(), await first.held()
    second.clock.moment += timedelta(days=9)

    assert await found(second) == []

    assert await first.only_record() == record
    assert await first.held() == held


async def test_what_is_gone_is_gone_everywhere() -> None:
    first, second = await moved(State.RETIRING)
    await first.sweep()()
    gone = await first.only_record()

    assert await second.retire().promise(gone.id) == gone


async def test_the_same_names_are_free_elsewhere() -> None:
    first, second = await moved(State.READY)

    made = await second.vend()(replace(SALES, key="another"))

    assert made.connection.database == "sales"
    assert len(await first.records()) == 2
