"""The sweep that goes on by itself while the service runs."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app
from tests.support.away import Outage, records_with
from tests.support.half_made import (
    left_half_dropped,
    left_half_made,
    left_unbegun,
    left_without_record,
)
from tests.support.later import Later
from tests.support.polling import until
from tests.support.slow_clock import SlowClock
from tests.support.trouble import Gate, failing


async def comes_to(app: RunningApp, database_id: str, state: str) -> None:
    async def has_come() -> bool:
        return bool((await app.get(f"/v1/databases/{database_id}"))["state"] == state)

    await until(has_come)


async def test_a_start_goes_on_with_what_the_last_process_left() -> None:
    async with running_app(clock=SlowClock()) as app:
        kept = await left_half_made(app, "kept", key="a key")
        undone = await left_half_made(app, "undone", promised=False)
        dropped = await app.vend("dropped")
        await left_half_dropped(app, dropped["id"])
    async with app.replica(sweep_interval=30) as later:
        await comes_to(later, kept.id, "ready")
        await comes_to(later, undone.id, "failed")
        await comes_to(later, dropped["id"], "retired")

        assert [held.id for held in await later.provider.inventory()] == [kept.id]


async def test_it_ends_what_has_expired_without_being_asked() -> None:
    async with running_app(clock=SlowClock(), sweep_interval=30) as app:
        database = await app.vend(ttl="1h")

        await comes_to(app, database["id"], "retired")

        assert not app.accepts(database["connection"])
        assert app.clock.now().timestamp() >= _moment(database["expires_at"])


async def test_it_finds_what_has_no_record() -> None:
    async with running_app(clock=SlowClock(), sweep_interval=30) as app:
        found = await left_without_record(app)

        async def is_recorded() -> bool:
            return found in {one["id"] for one in await app.live()}

        await until(is_recorded)


async def test_two_replicas_sweep_side_by_side() -> None:
    async with running_app(clock=SlowClock(), sweep_interval=30) as app:
        async with app.replica(sweep_interval=20) as other:
            left = [await left_half_made(app, f"left {number}") for number in range(5)]
            for one in left:
                await comes_to(other, one.id, "ready")

        assert len(await app.provider.inventory()) == 5


async def test_it_goes_on_when_the_records_were_away() -> None:
    outage = Outage()
    async with running_app(
        clock=SlowClock(), records=records_with(outage), sweep_interval=30
    ) as app:
        outage.is_on = True
        with capture_logs() as logged:
            await until(lambda: _is_told(logged, "sweep.failed"))
        outage.is_on = False

        left = await left_half_made(app)
        await comes_to(app, left.id, "ready")


async def test_it_goes_on_after_a_crash() -> None:
    later = Later()
    async with running_app(
        MemoryProvider(trouble=later), clock=SlowClock(), sweep_interval=30
    ) as app:
        later.begins = failing("inventory", lambda: RuntimeError("a mistake of ours"), times=1)
        with capture_logs() as logged:
            await until(lambda: _is_told(logged, "sweep.crashed"))

        left = await left_half_made(app)
        await comes_to(app, left.id, "ready")


async def test_what_it_does_is_told_in_the_log() -> None:
    with capture_logs() as logged:
        async with running_app(clock=SlowClock(), sweep_interval=30) as app:
            left = await left_half_made(app, "left")
            await comes_to(app, left.id, "ready")
            await until(lambda: _is_told(logged, "sweep.finish"))

    (told,) = [event for event in logged if event["event"] == "sweep.finish"]
    assert (told["log_level"], told["id"], told["outcome"]) == ("info", left.id, "done")


async def test_what_it_could_not_do_is_a_warning() -> None:
    busy = failing("before provision", ProviderBusy)
    with capture_logs() as logged:
        async with running_app(
            MemoryProvider(trouble=busy), clock=SlowClock(), sweep_interval=30
        ) as app:
            await left_unbegun(app)
            await until(lambda: _is_told(logged, "sweep.finish"))

    told = next(event for event in logged if event["event"] == "sweep.finish")
    assert (told["log_level"], told["outcome"]) == ("warning", "provider_busy")


async def test_a_crash_is_told_with_where_it_happened() -> None:
    error = RuntimeError("a mistake of ours")
    crashing = failing("before retire", lambda: error, times=1)
    with capture_logs() as logged:
        async with running_app(
            MemoryProvider(trouble=crashing), clock=SlowClock(), sweep_interval=30
        ) as app:
            await left_half_made(app, promised=False)
            await until(lambda: _is_told(logged, "sweep.undo"))

    told = next(event for event in logged if event["event"] == "sweep.undo")
    assert (told["log_level"], told["outcome"]) == ("warning", "internal_error")
    assert told["exc_info"] is error


async def test_a_service_that_stops_waits_for_no_sweep() -> None:
    """What is cut off is taken up by the next start."""
    gate = Gate("before retire")
    async with asyncio.timeout(20):
        async with running_app(
            MemoryProvider(trouble=gate), clock=SlowClock(), sweep_interval=30
        ) as app:
            left = await left_half_made(app, promised=False)
            await gate.reached.wait()
        gate.open()
    async with app.replica(sweep_interval=30) as later:
        await comes_to(later, left.id, "failed")

        assert await later.nothing_is_left()


async def test_with_an_interval_of_nothing_it_never_sweeps() -> None:
    async with running_app(clock=SlowClock(), sweep_interval=0) as app:
        await left_half_made(app)

        assert app.clock.slept == []
        assert [one["state"] for one in await app.live()] == ["provisioning"]


async def _is_told(logged: Iterable[Mapping[str, Any]], event: str) -> bool:
    return any(one["event"] == event for one in logged)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
