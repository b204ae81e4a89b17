"""The loop that sends deliveries: one replica, woken by work, patient after errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from adapters.memory.webhooks import MemoryDeliveryQueue
from domain.deliveries import PAUSES
from domain.errors import DeliveryFailed, Unavailable
from entrypoints.background.delivery_loop import LEASE_INTERVAL, DeliveryLoop
from ports.use_cases.send_deliveries import LEASE, Batch, SendDeliveries
from tests.support.embedded_servers import Events
from tests.support.held_clock import HeldClock
from tests.support.scripted_webhooks import Webhooks

INTERVAL = 2


class FailingQueue(MemoryDeliveryQueue):
    """A queue that can be made to fail."""

    error: Exception | None = None

    async def claim(self, *args: object, **options: object) -> Batch:  # type: ignore[override]
        if self.error:
            raise self.error
        return await super().claim(*args, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def running_loop(
    send: SendDeliveries, events: Events, interval: float = INTERVAL
) -> AsyncIterator[asyncio.Task[None]]:
    loop = DeliveryLoop(send, interval, send.clock, events.log)
    task = asyncio.create_task(loop.run_forever())
    await let_run()
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def let_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_deliveries_are_sent_at_the_start_when_woken_and_at_intervals() -> None:
    clock, events = HeldClock(), Events()
    webhooks = Webhooks(clock)
    webhooks.add("evt_1")
    async with running_loop(webhooks.send, events):
        assert webhooks.sender.ids == ["evt_1"]

        webhooks.add("evt_2")
        webhooks.send.wake()
        await let_run()
        assert webhooks.sender.ids == ["evt_1", "evt_2"]

        webhooks.add("evt_3")
        clock.end_sleeps()
        await let_run()
        assert webhooks.sender.ids == ["evt_1", "evt_2", "evt_3"]
    assert events.names == []
    assert set(clock.slept) == {INTERVAL}


async def test_an_interval_of_zero_disables_the_loop() -> None:
    webhooks = Webhooks(HeldClock())
    webhooks.add("evt_1")
    async with running_loop(webhooks.send, Events(), interval=0) as task:
        assert task.done()
    assert webhooks.sender.sent == []


async def test_one_replica_sends_and_another_follows_it() -> None:
    clock = HeldClock()
    webhooks = Webhooks(clock)
    webhooks.add("evt_1")
    async with webhooks.leases.acquire(LEASE), running_loop(webhooks.send, Events()) as task:
        assert webhooks.sender.sent == []
        assert clock.slept == [LEASE_INTERVAL]
        task.cancel()
    async with running_loop(webhooks.send, Events()):
        assert webhooks.sender.ids == ["evt_1"]


async def test_an_error_of_the_registry_ends_the_lease_after_the_running_attempts() -> None:
    clock, events = HeldClock(), Events()
    webhooks = Webhooks(clock)
    queue = FailingQueue(webhooks.store)
    send = replace(webhooks.send, queue=queue)
    webhooks.add("evt_1")
    webhooks.sender.held["wh_1"] = asyncio.Event()
    async with running_loop(send, events):
        queue.error = Unavailable()
        send.wake()
        await let_run()
        assert webhooks.sender.running == ["evt_1"]
        assert events.names == []

        webhooks.sender.held["wh_1"].set()
        await let_run()
        assert webhooks.store.queue == []
        assert [entry["error"] for entry in events.fields("webhooks.failed")] == ["unavailable"]
        assert clock.slept[-1] == LEASE_INTERVAL
        async with webhooks.leases.acquire(LEASE) as is_free:
            assert is_free

        queue.error = None
        webhooks.add("evt_2")
        clock.end_sleeps()
        await let_run()
        assert webhooks.sender.ids[-1] == "evt_2"


async def test_an_unexpected_error_is_logged_and_the_loop_goes_on() -> None:
    clock, events = HeldClock(), Events()
    webhooks = Webhooks(clock)
    queue = FailingQueue(webhooks.store)
    queue.error = ZeroDivisionError()
    async with running_loop(replace(webhooks.send, queue=queue), events) as task:
        assert events.names == ["webhooks.crashed"]
        assert not task.done()


async def test_a_crash_of_an_attempt_and_a_delivery_that_is_given_up_are_logged() -> None:
    webhooks, events = Webhooks(HeldClock()), Events()
    webhooks.add("evt_1", "evt_2")
    gone = DeliveryFailed("Gone.", retryable=False)
    webhooks.sender.errors["wh_1"] = [ZeroDivisionError(), gone]
    async with running_loop(webhooks.send, events):
        assert events.names == ["webhooks.crashed", "webhooks.given_up"]
    [entry] = events.fields("webhooks.given_up")
    assert (entry["id"], entry["webhook"], entry["attempts"]) == ("evt_2", "wh_1", 1)


async def test_the_end_of_the_loop_ends_its_attempts() -> None:
    webhooks = Webhooks(HeldClock())
    webhooks.add("evt_1")
    webhooks.sender.held["wh_1"] = asyncio.Event()
    async with running_loop(webhooks.send, Events()):
        assert webhooks.sender.running == ["evt_1"]
    assert webhooks.sender.running == []
    async with webhooks.leases.acquire(LEASE) as is_free:
        assert is_free


async def test_a_failed_delivery_is_repeated_while_the_loop_runs() -> None:
    clock = HeldClock()
    webhooks = Webhooks(clock)
    webhooks.add("evt_1")
    webhooks.sender.errors["wh_1"] = [DeliveryFailed("Later.")]
    async with running_loop(webhooks.send, Events()):
        webhooks.move(PAUSES[0])
        clock.end_sleeps()
        await let_run()
    assert webhooks.sender.ids == ["evt_1", "evt_1"]
