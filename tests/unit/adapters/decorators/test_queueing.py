"""The queue: one change at a time, in order; and the refusals of a full queue."""

import asyncio

import pytest

from adapters.decorators.queueing import RECENT, QueuedProvider
from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.errors import NameTaken, ProviderBusy
from domain.provisioning import Order
from tests.support.clock import FakeClock
from tests.support.doubles import PATIENCE, ScriptedProvider
from tests.support.provision_requests import new_order, rotated
from tests.support.queueing import Room, all_out, begun, queued, settled
from tests.unit.adapters.decorators.conftest import CHANGES, READS, Call, Events

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
every_end = pytest.mark.parametrize("end", ["suspend", "delete"])


class RecordingProvider(MemoryProvider):
    """Records which rotations end sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.end_sessions: list[bool] = []

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        self.end_sessions.append(end_sessions)
        return await super().rotate(order, end_sessions=end_sessions)


async def refused_retry_after(provider: QueuedProvider) -> float:
    """Return the `retry_after` of a refused call."""
    with pytest.raises(ProviderBusy) as refused:
        await provider.provision(new_order())
    assert refused.value.retry_after
    return refused.value.retry_after


@every_change
@pytest.mark.parametrize("second", CHANGES.values(), ids=list(CHANGES))
async def test_two_changes_never_run_at_once(change: Call, second: Call) -> None:
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
async def test_a_read_does_not_wait(read: Call) -> None:
    room = Room()
    provider = queued(room)
    tasks = await begun(provider, 2)

    async with asyncio.timeout(PATIENCE):
        await read(provider, new_order())

    assert (room.inside, len(room.entered)) == (1, 1)
    await all_out(room, tasks, 2)


@every_change
@pytest.mark.parametrize("error", [NameTaken, ProviderBusy, ValueError])
async def test_after_an_error_the_next_call_runs(change: Call, error: type[Exception]) -> None:
    order = new_order()
    provider = queued(ScriptedProvider(MemoryProvider(), errors=[error("The reason.")]), limit=0)
    with pytest.raises(error, match="The reason"):
        await change(provider, order)
    assert (await provider.provision(order)).password == order.password


async def test_a_wait_is_an_event_with_its_duration_and_queue_length(events: Events) -> None:
    clock, order = FakeClock(), new_order()
    clock.passed = 1000
    room = Room(clock, takes=0.25)
    provider = queued(room, clock=clock)
    room.let_out(len(CHANGES) + 2)
    first = provider.provision(order)

    await asyncio.gather(first, *(change(provider, order) for change in CHANGES.values()))
    waits = list(events)
    await provider.provision(order)

    said = [(event["call"], event["id"], event["length"], event["ms"]) for event in waits]
    expected = [(name, order.tenant.id, turn, 250 * turn) for turn, name in enumerate(CHANGES, 1)]
    assert said == expected
    assert {(event["event"], event["log_level"]) for event in waits} == {
        ("provider.queued", "debug")
    }
    assert events == waits, "a call that does not wait logs no event"
    passwords = (order.password.reveal(), rotated(order).password.reveal())
    assert not [password for password in passwords if password in repr(events)]


async def test_end_sessions_is_passed_on() -> None:
    ending, order = RecordingProvider(), new_order()
    await queued(ending).provision(order)
    for end_sessions in (False, True):
        await queued(ending).rotate(rotated(order), end_sessions=end_sessions)
    assert ending.end_sessions == [False, True]


@pytest.mark.parametrize("name", ["provision", "rotate"])
async def test_a_full_queue_refuses_calls(name: str) -> None:
    room, order = Room(), new_order()
    provider = queued(room, limit=2)
    tasks = await begun(provider, 3)

    with pytest.raises(ProviderBusy, match="2 calls wait"):
        await CHANGES[name](provider, order)

    await all_out(room, tasks, 3)
    assert order.tenant.id not in room.entered


@every_end
async def test_a_deletion_or_suspension_is_never_refused(end: str) -> None:
    room, order, ended = Room(), new_order(), [new_order() for _ in range(3)]
    provider = queued(room, limit=1)
    tasks = await begun(provider, 2)
    ends = asyncio.gather(*(CHANGES[end](provider, order) for order in ended))
    await settled()

    await refused_retry_after(provider)
    room.let_out(4)
    await settled()
    last = asyncio.ensure_future(provider.provision(order))  # takes the free place

    await all_out(room, asyncio.gather(tasks, ends, last), 2)
    assert room.entered[2:] == [*(order.tenant.id for order in ended), order.tenant.id]
    assert room.most == 1


@pytest.mark.parametrize(
    ("durations", "waiting", "seconds"),
    [
        ([(1, 2), (1, 4)], 4, 4 * 3),
        ([(10, 2)], 9, 9 * 2),
        ([(1, 3600), (RECENT, 2)], 2, 2 * 2),
        ([(5, 0.01)], 1, 1),
        ([], 1, 1),
    ],
    ids=[
        "the mean",
        "without waiting",
        "of the latest calls",
        "at least a second",
        "before any call ended",
    ],
)
async def test_a_refusal_has_the_duration_of_the_queue(
    durations: list[tuple[int, float]], waiting: int, seconds: float
) -> None:
    clock = FakeClock()
    room = Room(clock)
    provider = queued(room, limit=waiting, clock=clock)
    for calls, room.takes in durations:
        for together in [calls] if calls <= waiting + 1 else [1] * calls:
            await all_out(room, await begun(provider, together), together)

    tasks = await begun(provider, waiting + 1)

    assert await refused_retry_after(provider) == seconds
    await all_out(room, tasks, waiting + 1)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_call_that_waits_too_long_is_refused(name: str) -> None:
    room, order = Room(), new_order()
    provider = queued(room, patience=0.01)
    inside = asyncio.ensure_future(provider.provision(order))
    await settled()

    waiting = asyncio.ensure_future(CHANGES[name](provider, order))
    for _ in range(2):
        with pytest.raises(ProviderBusy, match="too long"):
            await provider.provision(new_order())
    room.let_out(3)
    await asyncio.wait([inside, waiting])
    outcome = waiting.exception()
    await provider.provision(new_order())

    is_end = name in {"suspend", "delete"}
    assert (outcome is None) is is_end
    assert isinstance(outcome, ProviderBusy) is not is_end
    assert len(room.entered) == (3 if is_end else 2)
