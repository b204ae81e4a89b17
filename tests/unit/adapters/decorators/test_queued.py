"""Turns: one change at a time, in the order in which they came."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import NameTaken, ProviderBusy
from domain.order import Order
from ports.driven.database_provider import DatabaseProvider
from tests.support.clock import FakeClock
from tests.support.doubles import PATIENCE, ScriptedProvider
from tests.support.orders import new_order, rotated
from tests.support.turns import Room, all_out, begun, queued, settled

Events = list[MutableMapping[str, Any]]
Call = Callable[[DatabaseProvider, Order], Awaitable[Any]]

CHANGES: dict[str, Call] = {
    "provision": lambda provider, order: provider.provision(order),
    "rotate": lambda provider, order: provider.rotate(rotated(order)),
    "suspend": lambda provider, order: provider.suspend(order.tenant),
    "retire": lambda provider, order: provider.retire(order.tenant),
}

READS: dict[str, Call] = {
    "reveal": lambda provider, order: provider.reveal(order),
    "inventory": lambda provider, _: provider.inventory(),
    "ping": lambda provider, _: provider.ping(),
}

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))


@pytest.fixture
def events() -> Iterator[Events]:
    with capture_logs() as captured:
        yield captured


async def test_fifty_changes_at_once_happen_one_by_one_in_the_order_in_which_they_came() -> None:
    room, orders = Room(), [new_order() for _ in range(50)]
    provider = queued(room)
    room.let_out(50)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*map(provider.provision, orders))

    assert room.entered == [order.tenant.id for order in orders]
    assert room.most == 1


@every_change
@pytest.mark.parametrize("second", CHANGES.values(), ids=list(CHANGES))
async def test_two_changes_are_never_inside_at_once(change: Call, second: Call) -> None:
    room, order, other = Room(), new_order(), new_order()
    provider = queued(room)
    await MemoryProvider.provision(room, order)
    await MemoryProvider.provision(room, other)

    tasks = asyncio.gather(change(provider, order), second(provider, other))
    await settled()

    assert room.entered == [order.tenant.id]
    await all_out(room, tasks, 2)
    assert room.entered == [order.tenant.id, other.tenant.id]


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
async def test_a_read_passes_by(read: Call) -> None:
    room = Room()
    provider = queued(room)
    tasks = await begun(provider, 2)

    async with asyncio.timeout(PATIENCE):
        await read(provider, new_order())

    assert (room.inside, len(room.entered)) == (1, 1)
    await all_out(room, tasks, 2)


async def test_what_the_provider_answers_is_handed_on() -> None:
    provider, order = queued(MemoryProvider()), new_order()

    made = await provider.provision(order)
    changed = await provider.rotate(rotated(order))

    assert (made.password, changed.password) == (order.password, rotated(order).password)
    assert await provider.reveal(rotated(order)) == changed
    assert [holding.id for holding in await provider.inventory()] == [order.tenant.id]
    await provider.retire(order.tenant)
    assert await provider.inventory() == []


@every_change
@pytest.mark.parametrize("error", [NameTaken, ProviderBusy, ValueError])
async def test_an_error_is_handed_on_and_the_next_has_its_turn(
    change: Call, error: type[Exception]
) -> None:
    order = new_order()
    provider = queued(ScriptedProvider(MemoryProvider(), errors=[error("The reason.")]), limit=0)

    with pytest.raises(error, match="The reason"):
        await change(provider, order)

    assert (await provider.provision(order)).password == order.password


async def test_a_wait_is_an_event_with_its_time_and_how_many_were_ahead(events: Events) -> None:
    clock, orders = FakeClock(), [new_order() for _ in range(3)]
    clock.passed = 1000
    room = Room(clock, takes=0.25)
    provider = queued(room, clock=clock)
    room.let_out(3)

    await asyncio.gather(
        provider.provision(orders[0]),
        provider.retire(orders[1].tenant),
        provider.provision(orders[2]),
    )

    told = [(event["call"], event["id"], event["length"], event["ms"]) for event in events]
    assert told == [
        ("retire", orders[1].tenant.id, 1, 250),
        ("provision", orders[2].tenant.id, 2, 500),
    ]
    assert {(event["event"], event["log_level"]) for event in events} == {
        ("provider.queued", "debug")
    }


async def test_who_does_not_wait_is_no_event(events: Events) -> None:
    provider = queued(MemoryProvider())

    for _ in range(3):
        await provider.provision(new_order())

    assert events == []


async def test_no_event_holds_a_password(events: Events) -> None:
    room, order = Room(), new_order()
    provider = queued(room)
    room.let_out(len(CHANGES))

    await asyncio.gather(*(change(provider, order) for change in CHANGES.values()))

    assert len(events) == len(CHANGES) - 1
    passwords = (order.password.reveal(), rotated(order).password.reveal())
    assert not [password for password in passwords if password in repr(events)]
