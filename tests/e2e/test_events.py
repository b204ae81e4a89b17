"""`GET /v1/databases/{id}/events`: the steps of a database as they happen, and failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession, TCPConnector

from adapters.memory.provider import MemoryProvider
from adapters.registry.postgres_stores import open_postgres_stores
from entrypoints.http.api.stream_limiter import MAX_STREAMS
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.clock import FakeClock
from tests.support.event_stream import list_steps, open_stream, read_events
from tests.support.interrupted import HERE, leave_half_provisioned, leave_without_record
from tests.support.outage import Outage, create_unreachable_stores
from tests.support.polling import wait_until
from tests.support.provider_faults import Gate
from tests.support.records import new_record
from tests.support.registries import temporary_database
from tests.support.servers import OperatorsServer
from tests.support.service import running_service
from tests.support.slow_clock import SlowClock

CREATE_STEPS = [
    ("provision", "running"),
    ("provision", "done"),
    ("verify", "running"),
    ("verify", "done"),
]

ASYNC_CREATE: Any = ("POST", "/v1/databases", {"nickname": "watched"}, {"Prefer": "respond-async"})


async def create_database(app: RunningApp) -> str:
    return f"/v1/databases/{(await app.create_database())['id']}"


async def test_a_stream_shows_every_step_as_it_happens_and_the_end() -> None:
    gate = Gate("during provision")
    async with running_app(MemoryProvider(fault_hook=gate), clock=SlowClock()) as app:
        path = (await app.ask(*ASYNC_CREATE)).headers["Location"]
        async with (
            app.replica() as other,
            open_stream(app, path) as one,
            open_stream(other, path) as o,
        ):
            for stream in (one, o):
                assert (await stream.read_first()).step == ("provision", "running")
            gate.open()
            for rest in (await one.read_all(), await o.read_all()):
                assert list_steps(rest) == CREATE_STEPS[1:]
                assert rest[-1].name == "settled"
                assert rest[-1].data == await app.get(path)


@pytest.mark.parametrize("last", ["", *range(5)])  # browsers send "" after an event without an id
async def test_a_reconnecting_browser_gets_the_missed_events(
    app: RunningApp, last: int | str
) -> None:
    events = await read_events(app, await create_database(app), after=str(last))
    seen = int(last or 0)
    assert list_steps(events) == CREATE_STEPS[seen:]
    assert [event.id for event in events] == [*map(str, range(seen + 1, 5)), "4-settled"]
    assert events[-1].name == "settled"


async def test_a_browser_that_knows_the_end_gets_204_until_a_new_step(app: RunningApp) -> None:
    """Otherwise a browser reconnects for ever."""
    path = await create_database(app)
    settled = (await read_events(app, path))[-1]

    answer = await app.ask("GET", f"{path}/events", headers={"Last-Event-ID": settled.id})
    assert (answer.status, answer.body) == (204, None)

    await app.ask("POST", f"{path}/rotate")
    events = await read_events(app, path, after=settled.id)
    assert list_steps(events) == [("rotate", "running"), ("rotate", "done")]
    assert events[-1].id == "6-settled"


async def test_an_imported_database_without_history_has_an_end_too(app: RunningApp) -> None:
    """A browser that received no id would reconnect for ever."""
    path = f"/v1/databases/{await leave_without_record(app)}"
    await app.ask("POST", "/v1/reconciliations")

    events = await read_events(app, path)

    assert [(event.id, event.name) for event in events] == [("0-settled", "settled")]
    again = await app.ask("GET", f"{path}/events", headers={"Last-Event-ID": "0-settled"})
    assert again.status == 204


@asynccontextmanager
async def open_stream_app() -> AsyncIterator[tuple[RunningApp, str, Outage]]:
    """A service, the address of a database whose creation is interrupted, and an outage of its
    registry. A stream of its events stays open."""
    outage = Outage()
    async with running_app(clock=SlowClock(), records=create_unreachable_stores(outage)) as app:
        record = await leave_half_provisioned(app)
        yield app, f"/v1/databases/{record.id}", outage


async def test_a_stream_survives_an_outage_of_the_registry() -> None:
    """A browser does not reconnect after a 503."""
    async with open_stream_app() as (app, path, outage), open_stream(app, path) as stream:
        await stream.read_first()
        outage.is_on = True
        seen = len(app.clock.slept)
        await wait_until(lambda: _has_slept(app, seen + 5))
        outage.is_on = False
        await app.ask("POST", "/v1/reconciliations")

        assert list_steps(await stream.read_all())[-1] == ("verify", "done")


async def test_polling_stops_after_the_caller_disconnects() -> None:
    async with open_stream_app() as (app, path, _):
        async with open_stream(app, path) as stream:
            await stream.read_first()
        await wait_until(app.is_disconnected)
        await wait_until(lambda: _has_stopped_polling(app))


async def test_a_process_stops_during_a_stream(server_15: OperatorsServer, tmp_path: Path) -> None:
    """Shutdown does not wait for streams as it does for requests."""
    async with temporary_database(server_15) as url:
        async with open_postgres_stores(url) as opened:
            record = await opened.registry.add(new_record(target=HERE))
        async with (
            running_service(
                tmp_path,
                PGVEND_PROVIDER="memory",
                PGVEND_REGISTRY_URL=url,
                PGVEND_SECRET="s" * 32,
                PGVEND_RECONCILE_INTERVAL="0",
            ) as service,
            aiohttp.ClientSession(service.url) as client,
            client.get(f"/v1/databases/{record.id}/events") as response,
        ):
            await response.content.readuntil(b"\n\n")
            service.process.terminate()

            assert await service.exits(within=20)
            assert service.process.returncode == 0
            assert await response.content.read() == b""


class FrozenClock(FakeClock):
    """A clock on which sleeping never ends, to stop polling."""

    def __init__(self) -> None:
        super().__init__()
        self.resumed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.resumed.wait()
        await super().sleep(seconds)


async def test_at_the_limit_of_streams_a_caller_is_advised_to_poll() -> None:
    clock = FrozenClock()
    async with running_app(clock=clock) as app:
        path = f"/v1/databases/{(await leave_half_provisioned(app)).id}"
        async with _create_client(app) as client, AsyncExitStack() as listening:
            for _ in range(MAX_STREAMS):
                stream = await listening.enter_async_context(client.get(f"{path}/events"))
                assert stream.status == 200

            answer = await app.ask("GET", f"{path}/events")
            problem = check_problem(answer, 503, "unavailable")
            assert problem["retryable"] is True
            assert "poll the database instead" in problem["detail"]
            assert int(answer.headers["Retry-After"]) > 0
            assert (await app.ask("HEAD", f"{path}/events")).status == 200
            assert (await app.ask("GET", f"{path}")).status == 200
            known = {"Last-Event-ID": "4-settled"}
            settled = await app.ask("GET", f"{await create_database(app)}/events", headers=known)
            assert settled.status == 204, "an answer without a stream needs no slot"

            await app.ask(
                "POST", "/v1/reconciliations"
            )  # completes the database, which ends the streams
            clock.resumed.set()
        assert (await read_events(app, path))[-1].name == "settled"


def _create_client(app: RunningApp) -> ClientSession:
    """Create a client without a limit of connections."""
    return ClientSession(f"http://127.0.0.1:{app.port}", connector=TCPConnector(limit=0))


async def _has_slept(app: RunningApp, times: int) -> bool:
    return len(app.clock.slept) > times


async def _has_stopped_polling(app: RunningApp) -> bool:
    """Return whether polling has stopped."""
    seen = len(app.clock.slept)
    await asyncio.sleep(0.1)
    return len(app.clock.slept) == seen
