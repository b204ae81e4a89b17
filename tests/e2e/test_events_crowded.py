"""More listeners than a service has places for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import ClientSession, TCPConnector

from entrypoints.http.streams import MOST
from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.event_stream import events_of
from tests.support.frozen_clock import FrozenClock
from tests.support.half_made import left_half_made


@asynccontextmanager
async def crowded() -> AsyncIterator[tuple[RunningApp, str]]:
    """A service whose streams are all open, and the address of what they tell about."""
    clock = FrozenClock()
    async with running_app(clock=clock) as app:
        path = f"/v1/databases/{(await left_half_made(app)).id}"
        async with _client_of(app) as client, AsyncExitStack() as listening:
            for _ in range(MOST):
                stream = await listening.enter_async_context(client.get(f"{path}/events"))
                assert stream.status == 200
            yield app, path
            await app.ask("POST", "/v1/sweep")  # it is made, and they end
            clock.go_on()


def _client_of(app: RunningApp) -> ClientSession:
    """Not even aiohttp's client opens so many connections unless it is told to."""
    return ClientSession(f"http://127.0.0.1:{app.port}", connector=TCPConnector(limit=0))


async def test_who_comes_when_all_places_are_taken_is_told_what_to_do_instead() -> None:
    async with crowded() as (app, path):
        answer = await app.ask("GET", f"{path}/events")

        problem = problem_in(answer, 503, "unavailable")
        assert problem["retryable"] is True
        assert "ask for the database itself" in problem["detail"]
        assert int(answer.headers["Retry-After"]) > 0


async def test_what_is_no_stream_needs_no_place() -> None:
    async with crowded() as (app, path):
        assert (await app.ask("HEAD", f"{path}/events")).status == 200
        assert (await app.ask("GET", f"{path}")).status == 200
        made = f"/v1/databases/{(await app.vend())['id']}/events"
        known = await app.ask("GET", made, headers={"Last-Event-ID": "4-settled"})
        assert known.status == 204


async def test_a_place_is_free_again_when_a_stream_has_ended(app: RunningApp) -> None:
    path = f"/v1/databases/{(await app.vend())['id']}"
    for _ in range(MOST + 1):
        assert (await events_of(app, path))[-1].name == "settled"
