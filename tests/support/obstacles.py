"""Tenants that are deleted or suspended, and obstacles to that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from adapters.postgres.dependents import MAX_OBJECTS_AT_ONCE
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request

REFUSALS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""Errors of a client whose database is deleted."""

GRANT_CONNECT_TO_ALL = "GRANT CONNECT ON DATABASE {database} TO PUBLIC"

_GRANT_WITH_OPTION = 'GRANT CONNECT ON DATABASE {{database}} TO "{neighbour}" WITH GRANT OPTION'

_MANY_POLICIES = """
CREATE TABLE {table} (id int);
DO $$ BEGIN FOR i IN 1..{number} LOOP
    EXECUTE format('CREATE POLICY p%s ON {table} TO {{user}}', i);
END LOOP; END $$
"""

_INSIDE = """
SELECT usename::text FROM pg_stat_activity
WHERE (usename = $1 OR datname = $2) AND backend_type = 'client backend'
  AND usename <> 'postgres'
"""

_MEMBERSHIPS = """
SELECT 'member' FROM pg_auth_members
WHERE pg_get_userbyid(roleid) = $1 AND ({active})
"""

_OPEN = "SELECT datallowconn OR rolcanlogin FROM pg_database, pg_roles WHERE {which}"


def fill_names(statement: str, connection: Connection) -> str:
    """Fill in the names of this database and its owner."""
    return statement.format(database=f'"{connection.database}"', user=f'"{connection.user}"')


def create_many_policies(table: str, number: int = MAX_OBJECTS_AT_ONCE + 1) -> str:
    """Return statements, for `run`, that create a table with more policies for a role than are
    removed at once."""
    return _MANY_POLICIES.format(table=table, number=number)


async def run(connection: Connection, *statements: str, about: Connection | None = None) -> None:
    """Run the statements as the tenant; `about` is another tenant that they refer to."""
    async with tenant_session(connection) as session:
        for statement in statements:
            await session.execute(fill_names(statement, about or connection))


@asynccontextmanager
async def database_to_delete(postgres: PostgresUnderTest) -> AsyncIterator[Connection]:
    """Yield a database, delete it at the end, and check that no trace is left."""
    provision_request = new_provision_request()
    yield await postgres.provider.provision(provision_request)
    await postgres.provider.delete(provision_request.tenant)
    assert await find_in_inventory(postgres.provider, provision_request) == []
    assert await postgres.has(provision_request) == (False, False)


@asynccontextmanager
async def database_to_suspend(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest | None = None
) -> AsyncIterator[Connection]:
    """Yield a tenant with data, suspend it at the end, and check that it is locked out."""
    provision_request = provision_request or new_provision_request()
    async with provisioned_database(postgres.provider, provision_request) as connection:
        await run(connection, "CREATE TABLE kept AS SELECT 42 AS answer")
        yield connection
        await postgres.provider.suspend(provision_request.tenant)
        await assert_shut_out(postgres, connection)
        async with tenant_session(await postgres.provider.provision(provision_request)) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42


async def assert_shut_out(postgres: PostgresUnderTest, connection: Connection) -> None:
    """Check that no session is open, no login is possible, and the admin cannot connect either."""
    assert await postgres.sql(_INSIDE, connection.user, connection.database) == []
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(connection)
    which = f"datname = '{connection.database}' AND rolname = '{connection.user}'"
    assert await postgres.sql(_OPEN.format(which=which)) == [False]
    assert await fetch_memberships(postgres, connection) == []


async def fetch_memberships(postgres: PostgresUnderTest, connection: Connection) -> list[str]:
    """Return the memberships of roles that may act as the owner. Since PostgreSQL 16, the creator
    of a role keeps a membership that only allows it to join again; this one does not count."""
    [version] = await postgres.sql("SELECT current_setting('server_version_num')::int / 10000")
    active = "inherit_option OR set_option" if version >= 16 else "true"
    return await postgres.sql(_MEMBERSHIPS.format(active=active), connection.user)


@asynccontextmanager
async def tenant_with_references(
    postgres: PostgresUnderTest, *statements: str
) -> AsyncIterator[tuple[ProvisionRequest, Connection]]:
    """A tenant, deleted at the end, and a neighbour that ran the statements about it."""
    provision_request = new_provision_request()
    async with provisioned_database(postgres.provider, new_provision_request()) as neighbour:
        connection = await postgres.provider.provision(provision_request)
        await run(neighbour, *statements, about=connection)
        yield provision_request, neighbour
        await delete_completely(postgres, provision_request)


async def delete_completely(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    """Delete repeatedly until nothing is left, which takes a few calls at most."""
    for _ in range(4):
        tombstone = await postgres.provider.delete(provision_request.tenant)
        if tombstone is None:
            assert await find_in_inventory(postgres.provider, provision_request) == []
            return
    raise AssertionError(tombstone)


@asynccontextmanager
async def open_transaction(
    connection: Connection, *statements: str, about: Connection | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session whose transaction has run the statements and stays open."""
    async with tenant_session(connection) as session:
        for statement in ("BEGIN", *statements):
            await session.execute(fill_names(statement, about or connection))
        yield session


@asynccontextmanager
async def row_lock_by_neighbour(
    neighbour: Connection, connection: Connection
) -> AsyncIterator[None]:
    """Keep a neighbour's transaction open that grants a privilege on another tenant's database."""
    await run(connection, _GRANT_WITH_OPTION.format(neighbour=neighbour.user))
    async with open_transaction(neighbour, GRANT_CONNECT_TO_ALL, about=connection):
        yield


@asynccontextmanager
async def reconnecting_clients(
    connection: Connection, clients: int, **changes: object
) -> AsyncIterator[None]:
    """Run clients that log in again as soon as they are refused or disconnected."""
    is_connected = asyncio.Event()

    async def reconnect() -> None:
        with suppress(*REFUSALS):
            async with tenant_session(connection, **changes) as session:
                is_connected.set()
                await session.execute("SELECT pg_sleep(30)")
        is_connected.set()

    async with repeat_in_background([reconnect] * clients):
        await is_connected.wait()
        yield


@asynccontextmanager
async def reopening_clients(connection: Connection, clients: int) -> AsyncIterator[None]:
    """Run clients that log in repeatedly and open their database each time."""

    async def reopen() -> None:
        with suppress(*REFUSALS):
            await run(connection, *["ALTER DATABASE {database} ALLOW_CONNECTIONS true"] * 20)

    async with repeat_in_background([reopen] * clients):
        yield


@asynccontextmanager
async def looping_clients(
    connection: Connection, statement: str, clients: int
) -> AsyncIterator[None]:
    """Run clients that repeat the statement, and reconnect when their session is ended."""
    is_connected = asyncio.Event()

    async def loop() -> None:
        with suppress(*REFUSALS):
            async with tenant_session(connection) as session:
                while True:
                    with suppress(asyncpg.InternalServerError, asyncpg.SerializationError):
                        await session.execute(fill_names(statement, connection))
                    is_connected.set()

    async with repeat_in_background([loop] * clients):
        await is_connected.wait()
        yield


@asynccontextmanager
async def repeat_in_background(
    actions: Sequence[Callable[[], Coroutine[Any, Any, None]]],
) -> AsyncIterator[None]:
    """Repeat each action in a task of its own until the context exits."""

    async def repeat(action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await action()
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(repeat(action)) for action in actions]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
