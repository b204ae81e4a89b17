"""A real database that exceeds its size limit and shrinks again, as its tenant sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession
from dependency_injector import providers

from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.secrets import Secret
from domain.sizes import MIN_SIZE_LIMIT, WARNING_PERIOD, SizeLimit
from entrypoints.config.provider import ProviderName
from entrypoints.wiring.resources import create_memory_stores
from tests.support.apps import create_container, serving_app
from tests.support.clock import FakeClock
from tests.support.postgres_under_test import tenant_session
from tests.support.provision_requests import unique_name
from tests.support.sizes import assert_read_only, assert_writable, fill, free_space

MEGABYTES = 12
"""Together with an empty database, more than the limit."""


async def test_a_database_is_read_only_while_it_exceeds_its_limit(
    provider: PostgresProvider,
) -> None:
    clock = FakeClock()
    async with _app(provider, clock) as client, _created_database(client) as database:
        connection = _connection(database)
        await fill(connection, MEGABYTES)

        assert await _reconcile(client, database) == [("warn", "done")]
        await assert_writable(connection)

        clock.moment += WARNING_PERIOD
        assert await _reconcile(client, database) == [("set_read_only", "done")]
        assert (await _record(client, database))["read_only"] is True
        await assert_read_only(connection)

        await _undo_read_only(connection)
        await assert_writable(connection)
        assert await _reconcile(client, database) == [("set_read_only", "done")]
        async with client.post(f"/v1/databases/{database['id']}/rotate") as response:
            answer = await response.json()
        assert answer["read_only"] is True
        connection = _connection(answer)
        await assert_read_only(connection)

        await free_space(connection)
        assert await _reconcile(client, database) == [("clear_read_only", "done")]
        assert (await _record(client, database))["read_only"] is False
        await assert_writable(connection)

        steps = [step["name"] for step in (await _record(client, database))["steps"]]
        assert steps == [
            "provision",
            "verify",
            "warn",
            "set_read_only",
            "rotate",
            "clear_read_only",
        ]


@asynccontextmanager
async def _app(server: PostgresProvider, clock: FakeClock) -> AsyncIterator[ClientSession]:
    container = create_container(ProviderName.EMBEDDED, size_limit=SizeLimit(MIN_SIZE_LIMIT))
    container.embedded.override(providers.Object(server))
    container.stores.override(providers.Object(create_memory_stores()))
    container.clock.override(providers.Object(clock))
    async with (
        serving_app(container) as (port, _),
        ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


@asynccontextmanager
async def _created_database(client: ClientSession) -> AsyncIterator[Any]:
    async with client.post("/v1/databases", json={"nickname": unique_name()}) as response:
        database = await response.json()
    try:
        yield database
    finally:
        async with client.delete(f"/v1/databases/{database['id']}") as response:
            assert response.status == 202
        await _reconcile(client, database)


async def _reconcile(client: ClientSession, database: Any) -> list[tuple[str, str]]:
    """Reconcile, and return the results for the database."""
    async with client.post("/v1/reconciliations", json={}) as response:
        results = (await response.json())["results"]
    own_results = [result for result in results if result["id"] == database["id"]]
    return [(result["action"], result["outcome"]) for result in own_results]


async def _record(client: ClientSession, database: Any) -> Any:
    async with client.get(f"/v1/databases/{database['id']}") as response:
        return await response.json()


async def _undo_read_only(connection: Connection) -> None:
    async with tenant_session(connection) as opened:
        await opened.execute("SET default_transaction_read_only = off")
        await opened.execute(
            f'ALTER ROLE "{connection.user}" IN DATABASE "{connection.database}" RESET ALL'
        )


def _connection(answer: Any) -> Connection:
    connection = answer["connection"]
    names = ("host", "port", "database", "user", "sslmode")
    password = Secret(connection["password"])
    return Connection(password=password, **{name: connection[name] for name in names})
