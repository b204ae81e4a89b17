"""Events on bad days: callers that leave, a service that stops, records that are away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from adapters.registry.opening import opened_postgres
from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.away import Outage, records_with
from tests.support.event_stream import steps_in, stream_of
from tests.support.half_made import HERE, left_half_made
from tests.support.polling import until
from tests.support.records import new_record
from tests.support.registries import own_database
from tests.support.servers import OperatorsServer
from tests.support.service import running_service
from tests.support.slow_clock import SlowClock


@asynccontextmanager
async def waiting() -> AsyncIterator[tuple[RunningApp, str, Outage]]:
    """A service, the address of a database that nobody is making, and what keeps its record away:
    a stream of its events stays open."""
    outage = Outage()
    async with running_app(clock=SlowClock(), records=records_with(outage)) as app:
        left = await left_half_made(app)
        yield app, f"/v1/databases/{left.id}", outage


async def test_a_stream_outlasts_records_that_are_away_for_a_while() -> None:
    """A browser that is answered 503 does not come back."""
    async with waiting() as (app, path, outage), stream_of(app, path) as stream:
        await stream.first()
        outage.is_on = True
        await _some_looks(app)
        outage.is_on = False
        await app.ask("POST", "/v1/sweep")

        assert steps_in(await stream.all())[-1] == ("verify", "done")


async def test_records_that_are_away_at_first_are_a_problem_and_no_stream() -> None:
    async with waiting() as (app, path, outage):
        outage.is_on = True

        problem_in(await app.ask("GET", f"{path}/events"), 503, "unavailable")


async def test_nothing_goes_on_for_a_caller_that_has_gone() -> None:
    async with waiting() as (app, path, _):
        async with stream_of(app, path) as stream:
            await stream.first()
        await until(app.is_alone)
        await until(lambda: _is_quiet(app))


async def test_the_process_ends_at_once_with_a_stream_open(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    """At once: it does not wait for as long as it would for a request."""
    async with own_database(server_15) as url:
        async with opened_postgres(url) as opened:
            left = await opened.registry.add(new_record(target=HERE))
        async with (
            running_service(
                tmp_path,
                PGVEND_PROVIDER="memory",
                PGVEND_REGISTRY_URL=url,
                PGVEND_SECRET="s" * 32,
                PGVEND_SWEEP_INTERVAL="0",
            ) as service,
            aiohttp.ClientSession(service.url) as client,
            client.get(f"/v1/databases/{left.id}/events") as response,
        ):
            await response.content.readuntil(b"\n\n")
            service.process.terminate()

            assert await service.ended(within=20)
            assert service.process.returncode == 0
            assert await response.content.read() == b""


async def _some_looks(app: RunningApp) -> None:
    seen = len(app.clock.slept)

    async def have_passed() -> bool:
        return len(app.clock.slept) > seen + 5

    await until(have_passed)


async def _is_quiet(app: RunningApp) -> bool:
    """Whether nobody looks again and again."""
    seen = len(app.clock.slept)
    await asyncio.sleep(0.1)
    return len(app.clock.slept) == seen
