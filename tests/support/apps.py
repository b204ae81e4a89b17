"""The service's application on a socket in this process, over the memory provider."""

import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession, web
from dependency_injector import providers

from adapters.memory.provider import MemoryProvider
from adapters.memory.webhook_sender import MemoryWebhookSender
from adapters.registry.stores import Stores
from domain.connection import Connection
from domain.secrets import Secret
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.http.app import build_app
from entrypoints.http.server.runner import serving
from entrypoints.wiring.container import Container, resolve
from entrypoints.wiring.resources import create_memory_stores
from entrypoints.wiring.tracing import Tracing
from entrypoints.wiring.use_cases import UseCases
from tests.support.clock import FakeClock
from tests.support.polling import wait_until

SECRET = Secret("the secret of the applications under test")


QUIET = {"reconcile_interval": 0, "webhook_interval": 0}
"""Settings without loops, for which a clock that does not wait has no time."""

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """A complete answer; `body` is None if it is empty."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class RunningApp:
    client: ClientSession
    port: int
    server: web.Server
    provider: MemoryProvider
    clock: FakeClock
    records: Stores
    use_cases: UseCases
    sender: MemoryWebhookSender

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replica(self, **settings: Any) -> AbstractAsyncContextManager["RunningApp"]:
        """Run another replica of the service, or its next start if this one has ended."""
        return running_app(self.provider, clock=self.clock, records=self.records, **settings)

    async def create_database(self, nickname: str = "Sales Data 2024", **more: Any) -> Any:
        """Create a database, and return the answer of `POST /v1/databases`."""
        async with self.client.post(
            "/v1/databases", json={"nickname": nickname, **more}
        ) as response:
            assert response.status == 201, await response.text()
            return await response.json()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Headers | None = None
    ) -> Answer:
        """Send a request with that JSON, and return the answer."""
        async with self.client.request(method, path, json=body, headers=headers) as response:
            text = await response.text()
            is_json = text and "json" in response.content_type
            answer = json.loads(text) if is_json else text or None
            return Answer(response.status, response.headers, answer)

    async def get(self, path: str, **headers: str) -> Any:
        async with self.client.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    def accepts(self, connection: Mapping[str, Any]) -> bool:
        """Return whether a `connection` of the API logs in now."""
        names = ("host", "port", "database", "user")
        password = Secret(connection["password"])
        credentials = Connection(password=password, **{name: connection[name] for name in names})
        return self.provider.accepts(credentials)

    async def wait_for_state(self, database_id: str, state: str) -> Any:
        """Wait until the database is in that state, and return its record."""

        async def has_come() -> bool:
            return bool((await self.get(f"/v1/databases/{database_id}"))["state"] == state)

        await wait_until(has_come)
        return await self.get(f"/v1/databases/{database_id}")

    async def list_live(self) -> list[Any]:
        """Return the records of databases that exist or can exist."""
        states = "state=provisioning&state=ready&state=expired&state=deleting"
        return list((await self.get(f"/v1/databases?page_size=200&{states}"))["databases"])

    async def is_connected(self) -> bool:
        """Return whether the service has a connected client."""
        return any(connection.transport is not None for connection in self.server.connections)

    async def is_disconnected(self) -> bool:
        return not await self.is_connected()

    async def is_empty(self) -> bool:
        return not await self.provider.inventory() and not await self.list_live()


@asynccontextmanager
async def running_app(
    provider: MemoryProvider | None = None,
    *,
    clock: FakeClock | None = None,
    records: Stores | None = None,
    insecure: bool = False,
    port: int = 0,
    tracing: Tracing | None = None,
    sends: bool = False,
    **settings: Any,
) -> AsyncIterator[RunningApp]:
    """Run an application, at a free port or at one of `reserved_port`. Its clock does not wait, so
    that it reconciles only on request. It keeps the messages of webhooks, unless it `sends` them.
    """
    provider, clock, records = (
        provider or MemoryProvider(),
        clock or FakeClock(),
        records or create_memory_stores(),
    )
    container = create_container(ProviderName.MEMORY, **settings)
    container.memory.override(providers.Object(provider))
    container.clock.override(providers.Object(clock))
    container.stores.override(providers.Object(records))
    sender = MemoryWebhookSender()
    if not sends:
        container.webhook_sender.override(providers.Object(sender))
    container.tracing.override(providers.Object(tracing))
    async with (
        serving_app(container, insecure=insecure, port=port) as (chosen, server),
        _client_of(chosen) as client,
    ):
        use_cases = await resolve(container.use_cases())
        yield RunningApp(client, chosen, server, provider, clock, records, use_cases, sender)


@asynccontextmanager
async def serving_app(
    container: Container, *, insecure: bool = False, port: int = 0, **more: Any
) -> AsyncIterator[tuple[int, web.Server]]:
    """Serve as `pgvend serve` does, and yield the port on 127.0.0.1; `more` is for `serving`."""
    address = "127.0.0.1", port
    with socket.create_server(address, backlog=512, reuse_port=port != 0) as listener:
        async with serving(build_app(container, insecure=insecure), listener, **more) as server:
            yield listener.getsockname()[1], server


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a port for applications of this test, one after the other. Between them nothing listens
    at it, so that connections are refused."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def _client_of(port: int) -> ClientSession:
    return ClientSession(f"http://127.0.0.1:{port}")


def create_container(provider: ProviderName, **settings: Any) -> Container:
    """A developer's `.env` is not for tests."""
    chosen = Settings(_env_file=None, provider=provider, **QUIET | settings)
    return Container(settings=chosen, secret=SECRET)


async def read_problem(response: ClientResponse, status: int, code: str) -> Mapping[str, Any]:
    """Return the problem in this response, after checks of its required members."""
    body = await response.json(content_type="application/problem+json")
    return check_problem(Answer(response.status, response.headers, body), status, code)


def check_problem(answer: Answer, status: int, code: str) -> Mapping[str, Any]:
    """Return the problem in this answer, after checks of its required members."""
    problem = answer.body
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code), problem
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    members = {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert set(problem) == members
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert isinstance(problem["retryable"], bool)
    assert problem["type"].endswith(f":{code}")
    assert problem["title"]
    assert problem["detail"]
    return dict(problem)
