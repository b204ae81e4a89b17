"""Tenants that are deleted or suspended, and obstacles to that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from adapters.postgres.dependents import AT_ONCE
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import Order
from tests.support.databases import held, vended
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import new_order

REFUSALS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""Errors of a client whose database is deleted."""

LET_ALL_IN = "GRANT CONNECT ON DATABASE {database} TO PUBLIC"

_PASSING_ON = 'GRANT CONNECT ON DATABASE {{database}} TO "{neighbour}" WITH GRANT OPTION'

_CROWD = """
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
WHERE pg_get_userbyid(roleid) = $1 AND ({living})
"""

_OPEN = "SELECT datallowconn OR rolcanlogin FROM pg_database, pg_roles WHERE {which}"


def filled(statement: str, connection: Connection) -> str:
    """Fill in the names of this database and its owner."""
    return statement.format(database=f'"{connection.database}"', user=f'"{connection.user}"')


def crowd(table: str, number: int = AT_ONCE + 1) -> str:
    """Return statements for a table with more policies for a role than are removed at once; for
    `run`."""
    return _CROWD.format(table=table, number=number)


async def run(connection: Connection, *statements: str, about: Connection | None = None) -> None:
    """Run the statements as the tenant; `about` is another tenant that they refer to."""
    async with tenant(connection) as session:
        for statement in statements:
            await session.execute(filled(statement, about or connection))


@asynccontextmanager
async def doomed(place: Place) -> AsyncIterator[Connection]:
    """Yield a database, delete it at the end, and check that no trace is left."""
    order = new_order()
    yield await place.provider.provision(order)
    await place.provider.delete(order.tenant)
    assert await held(place.provider, order) == []
    assert await place.has(order) == (False, False)


@asynccontextmanager
async def suspended(place: Place, order: Order | None = None) -> AsyncIterator[Connection]:
    """Yield a tenant with data, suspend it at the end, and check that it is locked out."""
    order = order or new_order()
    async with vended(place.provider, order) as connection:
        await run(connection, "CREATE TABLE kept AS SELECT 42 AS answer")
        yield connection
        await place.provider.suspend(order.tenant)
        await assert_shut_out(place, connection)
        async with tenant(await place.provider.provision(order)) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42


async def assert_shut_out(place: Place, connection: Connection) -> None:
    """Check that no session is open, no login is possible, and the admin cannot connect either."""
    assert await place.sql(_INSIDE, connection.user, connection.database) == []
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(connection)
    which = f"datname = '{connection.database}' AND rolname = '{connection.user}'"
    assert await place.sql(_OPEN.format(which=which)) == [False]
    assert await memberships(place, connection) == []


async def memberships(place: Place, connection: Connection) -> list[str]:
    """Return the memberships of roles that may act as the owner. Since PostgreSQL 16, the creator
    of a role keeps a membership that only allows it to join again; this one does not count."""
    [version] = await place.sql("SELECT current_setting('server_version_num')::int / 10000")
    living = "inherit_option OR set_option" if version >= 16 else "true"
    return await place.sql(_MEMBERSHIPS.format(living=living), connection.user)


@asynccontextmanager
async def left_open(
    connection: Connection, *statements: str, about: Connection | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """A session whose transaction has run the statements and stays open."""
    async with tenant(connection) as opened:
        for statement in ("BEGIN", *statements):
            await opened.execute(filled(statement, about or connection))
        yield opened


@asynccontextmanager
async def held_by(neighbour: Connection, connection: Connection) -> AsyncIterator[None]:
    """A neighbour's open transaction that passes on a privilege on another tenant's database."""
    await run(connection, _PASSING_ON.format(neighbour=neighbour.user))
    async with left_open(neighbour, LET_ALL_IN, about=connection):
        yield


@asynccontextmanager
async def storm(connection: Connection, clients: int, **changes: object) -> AsyncIterator[None]:
    """Clients that log in again as soon as they are refused or disconnected."""
    begun = asyncio.Event()

    async def return_() -> None:
        with suppress(*REFUSALS):
            async with tenant(connection, **changes) as session:
                begun.set()
                await session.execute("SELECT pg_sleep(30)")
        begun.set()

    async with again_and_again([return_] * clients):
        await begun.wait()
        yield


@asynccontextmanager
async def reopening(connection: Connection, clients: int) -> AsyncIterator[None]:
    """Clients that log in repeatedly and open their database each time."""

    async def reopen() -> None:
        with suppress(*REFUSALS):
            await run(connection, *["ALTER DATABASE {database} ALLOW_CONNECTIONS true"] * 20)

    async with again_and_again([reopen] * clients):
        yield


@asynccontextmanager
async def looping(connection: Connection, statement: str, clients: int) -> AsyncIterator[None]:
    """Sessions that repeat the statement, and reconnect when they are ended."""
    begun = asyncio.Event()

    async def loop() -> None:
        with suppress(*REFUSALS):
            async with tenant(connection) as session:
                while True:
                    with suppress(asyncpg.InternalServerError, asyncpg.SerializationError):
                        await session.execute(filled(statement, connection))
                    begun.set()

    async with again_and_again([loop] * clients):
        await begun.wait()
        yield


@asynccontextmanager
async def again_and_again(
    acts: Sequence[Callable[[], Coroutine[Any, Any, None]]],
) -> AsyncIterator[None]:
    """Repeat each action in a task of its own until the context exits."""

    async def client(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await act()
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(client(act)) for act in acts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
