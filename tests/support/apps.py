"""The service's application over a socket, in this process, over the provider in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession, web
from dependency_injector import providers

from adapters.memory.provider import MemoryProvider
from adapters.postgres.provider import PostgresProvider
from domain.secret import Secret
from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.settings import ProviderName, Settings
from tests.support.clock import FakeClock

SECRET = Secret("the secret of the applications under test")


@dataclass(frozen=True)
class RunningApp:
    client: ClientSession
    port: int
    server: web.Server
    provider: MemoryProvider
    clock: FakeClock

    async def vend(self, nickname: str = "Sales Data 2024", **more: Any) -> Any:
        """What `POST /v1/databases` answers to an order that it takes."""
        async with self.client.post("/v1/databases", json={"nickname": nickname, **more}) as made:
            assert made.status == 201, await made.text()
            return await made.json()

    async def get(self, path: str, **headers: str) -> Any:
        async with self.client.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def live(self) -> list[Any]:
        """The records of what exists or may exist."""
        states = "state=provisioning&state=ready&state=expired&state=retiring"
        page = await self.get(f"/v1/databases?page_size=200&{states}")
        return list(page["databases"])

    async def is_connected(self) -> bool:
        """Whether somebody is there, as far as the service knows."""
        return any(connection.transport is not None for connection in self.server.connections)

    async def is_alone(self) -> bool:
        return not await self.is_connected()

    async def nothing_is_left(self) -> bool:
        return not await self.provider.inventory() and not await self.live()


@asynccontextmanager
async def running_app(
    provider: MemoryProvider | None = None, **settings: Any
) -> AsyncIterator[RunningApp]:
    """An application of its own; its retries wait on a clock that does not make anybody wait."""
    provider, clock = provider or MemoryProvider(), FakeClock()
    container = container_of(ProviderName.MEMORY, **settings)
    container.memory.override(providers.Object(provider))
    container.clock.override(providers.Object(clock))
    async with _served(container) as runner, _client_of(runner) as client:
        assert runner.server
        port = runner.addresses[0][1]
        yield RunningApp(client, port, runner.server, provider, clock)


@asynccontextmanager
async def app_over_bundled(provider: PostgresProvider) -> AsyncIterator[ClientSession]:
    """An application over a bundled server that runs already."""
    container = container_of(ProviderName.EMBEDDED)
    container.embedded.override(providers.Object(provider))
    async with _served(container) as runner, _client_of(runner) as client:
        yield client


@asynccontextmanager
async def _served(container: Container) -> AsyncIterator[web.AppRunner]:
    """As `pgvend serve` does it: a request whose caller has gone is not cancelled, which aiohttp's
    own test server would do."""
    runner = web.AppRunner(build_app(container), access_log=None, handler_cancellation=False)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner
    finally:
        await runner.cleanup()


def _client_of(runner: web.AppRunner) -> ClientSession:
    return ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}")


def container_of(provider: ProviderName, **settings: Any) -> Container:
    """A developer's `.env` is not for tests."""
    chosen = Settings(_env_file=None, provider=provider, **settings)
    return Container(settings=chosen, secret=SECRET)


async def problem_of(response: ClientResponse, status: int, code: str) -> Mapping[str, Any]:
    """The problem that this answer is, with all that every problem has."""
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["status"], problem["code"]) == (status, status, code), problem
    members = {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert set(problem) == members
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert isinstance(problem["retryable"], bool)
    assert problem["type"].endswith(f":{code}")
    assert problem["title"]
    assert problem["detail"]
    return dict(problem)
