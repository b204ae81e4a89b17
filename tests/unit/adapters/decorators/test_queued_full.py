"""A full queue: who is refused, who is not, and when to come back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.decorators.queued import RECENT, QueuedProvider
from domain.errors import ProviderBusy
from domain.order import Order
from tests.support.clock import FakeClock
from tests.support.orders import new_order, rotated
from tests.support.turns import Room, all_out, begun, queued, settled

Change = Callable[[QueuedProvider, Order], Awaitable[None]]


async def _provision(provider: QueuedProvider, order: Order) -> None:
    await provider.provision(order)


async def _rotate(provider: QueuedProvider, order: Order) -> None:
    await provider.rotate(rotated(order))


async def _suspend(provider: QueuedProvider, order: Order) -> None:
    await provider.suspend(order.tenant)


async def _retire(provider: QueuedProvider, order: Order) -> None:
    await provider.retire(order.tenant)


async def estimate(provider: QueuedProvider) -> float:
    """The seconds after which one who is refused may come back."""
    with pytest.raises(ProviderBusy) as refused:
        await provider.provision(new_order())
    assert refused.value.retry_after
    return refused.value.retry_after


@pytest.mark.parametrize("change", [_provision, _rotate])
async def test_who_finds_no_place_to_wait_is_refused_and_changes_nothing(change: Change) -> None:
    room, order = Room(), new_order()
    provider = queued(room, limit=2)
    tasks = await begun(provider, 3)

    with pytest.raises(ProviderBusy, match="2 calls wait"):
        await change(provider, order)

    await all_out(room, tasks, 3)
    assert order.tenant.id not in room.entered


async def test_a_place_that_is_left_can_be_taken() -> None:
    room = Room()
    provider = queued(room, limit=1)
    tasks = await begun(provider, 2)
    await estimate(provider)

    room.let_out()
    await settled()
    late = asyncio.ensure_future(provider.provision(new_order()))

    await all_out(room, asyncio.gather(tasks, late), 2)
    assert len(room.entered) == 3


@pytest.mark.parametrize("end", [_suspend, _retire])
async def test_an_end_is_never_refused_but_waits_its_turn(end: Change) -> None:
    room, order, ended = Room(), new_order(), [new_order() for _ in range(3)]
    provider = queued(room, limit=1)
    tasks = await begun(provider, 2)
    ends = asyncio.gather(*(end(provider, order) for order in ended))
    await settled()

    await estimate(provider)
    room.let_out(4)
    await settled()
    last = asyncio.ensure_future(provider.provision(order))

    await all_out(room, asyncio.gather(tasks, ends, last), 2)
    assert room.entered[2:] == [*(order.tenant.id for order in ended), order.tenant.id]
    assert room.most == 1


async def test_who_is_refused_is_told_how_long_those_who_wait_will_take() -> None:
    clock = FakeClock()
    room = Room(clock)
    provider = queued(room, limit=4, clock=clock)
    for room.takes in (2, 4):
        await all_out(room, await begun(provider, 1), 1)

    tasks = await begun(provider, 5)

    assert await estimate(provider) == 4 * 3
    await all_out(room, tasks, 5)


async def test_the_time_spent_waiting_is_not_counted_as_a_calls_own() -> None:
    clock = FakeClock()
    room = Room(clock, takes=2)
    provider = queued(room, limit=9, clock=clock)
    await all_out(room, await begun(provider, 10), 10)

    tasks = await begun(provider, 10)

    assert await estimate(provider) == 9 * 2
    await all_out(room, tasks, 10)


async def test_only_the_durations_of_late_count() -> None:
    clock = FakeClock()
    room = Room(clock, takes=3600)
    provider = queued(room, limit=2, clock=clock)
    await all_out(room, await begun(provider, 1), 1)
    room.takes = 2
    for _ in range(RECENT):
        await all_out(room, await begun(provider, 1), 1)

    tasks = await begun(provider, 3)

    assert await estimate(provider) == 2 * 2
    await all_out(room, tasks, 3)


@pytest.mark.parametrize("earlier", [0, 5])
async def test_nobody_is_told_to_come_back_in_less_than_a_second(earlier: int) -> None:
    clock = FakeClock()
    room = Room(clock, takes=0.01)
    provider = queued(room, limit=1, clock=clock)
    for _ in range(earlier):
        await all_out(room, await begun(provider, 1), 1)

    tasks = await begun(provider, 2)

    assert await estimate(provider) == 1
    await all_out(room, tasks, 2)


async def test_who_waits_too_long_is_refused_and_leaves_the_queue_as_it_was() -> None:
    room = Room()
    provider = queued(room, patience=0.01)
    inside = asyncio.ensure_future(provider.provision(new_order()))
    await settled()

    for _ in range(3):
        with pytest.raises(ProviderBusy, match="too long"):
            await provider.provision(new_order())
    room.let_out(2)
    await inside
    await provider.provision(new_order())

    assert len(room.entered) == 2


@pytest.mark.parametrize("end", [_suspend, _retire])
async def test_an_end_waits_as_long_as_it_takes(end: Change) -> None:
    room = Room()
    provider = queued(room, patience=0.01)
    inside = asyncio.ensure_future(provider.provision(new_order()))
    await settled()

    ending = asyncio.ensure_future(end(provider, new_order()))
    with pytest.raises(ProviderBusy):
        await provider.provision(new_order())
    room.let_out(2)
    await asyncio.gather(inside, ending)

    assert len(room.entered) == 2
