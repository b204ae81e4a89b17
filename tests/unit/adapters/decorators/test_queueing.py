"""The queue: one change at a time, in order; and the refusals of a full queue."""

import asyncio

import pytest

from adapters.decorators.queueing import RECENT_CALLS, QueueingProvider
from adapters.memory.provider import MemoryProvider
from adapters.metrics.prometheus import PrometheusMetrics
from domain.connection import Connection
from domain.errors import NameTaken, ProviderBusy
from domain.provisioning import ProvisionRequest
from tests.support.clock import FakeClock
from tests.support.doubles import PATIENCE, ScriptedProvider
from tests.support.metrics import read_metrics
from tests.support.provision_requests import new_provision_request, with_next_password
from tests.support.queueing import (
    HoldingProvider,
    create_queue,
    let_all_out,
    queued,
    run_until_idle,
    start_calls,
)
from tests.unit.adapters.decorators.conftest import CHANGES, READS, Call, Events

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
every_end = pytest.mark.parametrize("end", ["suspend", "delete"])


class RecordingProvider(MemoryProvider):
    """Records which rotations end sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.end_sessions: list[bool] = []

    async def rotate(
        self, provision_request: ProvisionRequest, *, end_sessions: bool = False
    ) -> Connection:
        self.end_sessions.append(end_sessions)
        return await super().rotate(provision_request, end_sessions=end_sessions)


async def refused_retry_after(provider: QueueingProvider) -> float:
    """Return the `retry_after` of a refused call."""
    with pytest.raises(ProviderBusy) as refused:
        await provider.provision(new_provision_request())
    assert refused.value.retry_after
    return refused.value.retry_after


@every_change
@pytest.mark.parametrize("second", CHANGES.values(), ids=list(CHANGES))
async def test_two_changes_never_run_at_once(change: Call, second: Call) -> None:
    room, provision_request, other = (
        HoldingProvider(),
        new_provision_request(),
        new_provision_request(),
    )
    provider = queued(room)
    await MemoryProvider.provision(room, provision_request)
    await MemoryProvider.provision(room, other)

    tasks = asyncio.gather(change(provider, provision_request), second(provider, other))
    await run_until_idle()

    assert room.entered == [provision_request.tenant.id]
    await let_all_out(room, tasks, 2)
    assert room.entered == [provision_request.tenant.id, other.tenant.id]


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
async def test_a_read_does_not_wait(read: Call) -> None:
    room = HoldingProvider()
    provider = queued(room)
    tasks = await start_calls(provider, 2)

    async with asyncio.timeout(PATIENCE):
        await read(provider, new_provision_request())

    assert (room.inside, len(room.entered)) == (1, 1)
    await let_all_out(room, tasks, 2)


@every_change
@pytest.mark.parametrize("error", [NameTaken, ProviderBusy, ValueError])
async def test_after_an_error_the_next_call_runs(change: Call, error: type[Exception]) -> None:
    provision_request = new_provision_request()
    provider = queued(ScriptedProvider(MemoryProvider(), errors=[error("The reason.")]), limit=0)
    with pytest.raises(error, match="The reason"):
        await change(provider, provision_request)
    assert (await provider.provision(provision_request)).password == provision_request.password


async def test_waits_and_the_length_of_the_queue_are_counted() -> None:
    clock, metrics = FakeClock(), PrometheusMetrics()
    room = HoldingProvider(clock, takes=0.25)
    provider = QueueingProvider(room, create_queue(clock=clock, metrics=metrics))
    tasks = await start_calls(provider, 3)
    assert read_metrics(metrics, "pgvend_queue_length") == {(): 3}

    await let_all_out(room, tasks, 3)

    assert read_metrics(metrics, "pgvend_queue_length") == {(): 0}
    assert read_metrics(metrics, "pgvend_lock_wait_seconds_sum") == {("lock=queue",): 0.75}
    assert read_metrics(metrics, "pgvend_lock_wait_seconds_count") == {("lock=queue",): 3}


@pytest.mark.parametrize(("limit", "patience"), [(0, PATIENCE), (9, 0)], ids=["full", "too slow"])
async def test_refusals_are_counted(limit: int, patience: float) -> None:
    room, metrics = HoldingProvider(), PrometheusMetrics()
    provider = QueueingProvider(room, create_queue(limit, patience, metrics=metrics))
    tasks = await start_calls(provider, 1)
    with pytest.raises(ProviderBusy):
        await provider.provision(new_provision_request())
    await let_all_out(room, tasks, 1)
    assert read_metrics(metrics, "pgvend_queue_refusals_total") == {(): 1}


async def test_a_wait_is_an_event_with_its_duration_and_queue_length(events: Events) -> None:
    clock, provision_request = FakeClock(), new_provision_request()
    clock.passed = 1000
    room = HoldingProvider(clock, takes=0.25)
    provider = queued(room, clock=clock)
    room.release(len(CHANGES) + 2)
    first = provider.provision(provision_request)

    await asyncio.gather(
        first, *(change(provider, provision_request) for change in CHANGES.values())
    )
    waits = list(events)
    await provider.provision(provision_request)

    said = [(event["call"], event["id"], event["length"], event["ms"]) for event in waits]
    expected = [
        (name, provision_request.tenant.id, turn, 250 * turn)
        for turn, name in enumerate(CHANGES, 1)
    ]
    assert said == expected
    assert {(event["event"], event["log_level"]) for event in waits} == {
        ("provider.queued", "debug")
    }
    assert events == waits, "a call that does not wait logs no event"
    passwords = (
        provision_request.password.reveal(),
        with_next_password(provision_request).password.reveal(),
    )
    assert not [password for password in passwords if password in repr(events)]


async def test_end_sessions_is_passed_on() -> None:
    ending, provision_request = RecordingProvider(), new_provision_request()
    await queued(ending).provision(provision_request)
    for end_sessions in (False, True):
        await queued(ending).rotate(
            with_next_password(provision_request), end_sessions=end_sessions
        )
    assert ending.end_sessions == [False, True]


@pytest.mark.parametrize("name", ["provision", "rotate"])
async def test_a_full_queue_refuses_calls(name: str) -> None:
    room, provision_request = HoldingProvider(), new_provision_request()
    provider = queued(room, limit=2)
    tasks = await start_calls(provider, 3)

    with pytest.raises(ProviderBusy, match="2 calls wait"):
        await CHANGES[name](provider, provision_request)

    await let_all_out(room, tasks, 3)
    assert provision_request.tenant.id not in room.entered


@every_end
async def test_a_deletion_or_suspension_is_never_refused(end: str) -> None:
    room, provision_request, ended = (
        HoldingProvider(),
        new_provision_request(),
        [new_provision_request() for _ in range(3)],
    )
    provider = queued(room, limit=1)
    tasks = await start_calls(provider, 2)
    ends = asyncio.gather(
        *(CHANGES[end](provider, provision_request) for provision_request in ended)
    )
    await run_until_idle()

    await refused_retry_after(provider)
    room.release(4)
    await run_until_idle()
    last = asyncio.ensure_future(provider.provision(provision_request))  # takes the free place

    await let_all_out(room, asyncio.gather(tasks, ends, last), 2)
    assert room.entered[2:] == [
        *(provision_request.tenant.id for provision_request in ended),
        provision_request.tenant.id,
    ]
    assert room.most == 1


@pytest.mark.parametrize(
    ("durations", "waiting", "seconds"),
    [
        ([(1, 2), (1, 4)], 4, 4 * 3),
        ([(10, 2)], 9, 9 * 2),
        ([(1, 3600), (RECENT_CALLS, 2)], 2, 2 * 2),
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
    room = HoldingProvider(clock)
    provider = queued(room, limit=waiting, clock=clock)
    for calls, room.takes in durations:
        for together in [calls] if calls <= waiting + 1 else [1] * calls:
            await let_all_out(room, await start_calls(provider, together), together)

    tasks = await start_calls(provider, waiting + 1)

    assert await refused_retry_after(provider) == seconds
    await let_all_out(room, tasks, waiting + 1)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_call_that_waits_too_long_is_refused(name: str) -> None:
    room, provision_request = HoldingProvider(), new_provision_request()
    provider = queued(room, patience=0.01)
    inside = asyncio.ensure_future(provider.provision(provision_request))
    await run_until_idle()

    waiting = asyncio.ensure_future(CHANGES[name](provider, provision_request))
    for _ in range(2):
        with pytest.raises(
            ProviderBusy, match=r"^The calls before this one take too long; try again\.$"
        ):
            await provider.provision(new_provision_request())
    room.release(3)
    await asyncio.wait([inside, waiting])
    outcome = waiting.exception()
    await provider.provision(new_provision_request())

    is_end = name in {"suspend", "delete"}
    assert (outcome is None) is is_end
    assert isinstance(outcome, ProviderBusy) is not is_end
    assert len(room.entered) == (3 if is_end else 2)
