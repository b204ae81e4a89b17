"""Databases that are open to all: on Neon the admin closes its own, and there is no superuser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from adapters.postgres.opening import checked_provider
from adapters.postgres.server import server_of_dsn
from domain.target import Isolation
from tests.support.neon.emulator import RunningEmulator, fresh
from tests.support.neon.providers import vending_on
from tests.support.orders import INSTALLATION
from tests.support.servers import OperatorsServer

ADMIN = "neondb_owner"


@pytest.fixture
async def database(neon: RunningEmulator) -> AsyncIterator[str]:
    """One more that belongs to the admin."""
    async with _database(neon, fresh("shop"), ADMIN) as name:
        yield name


@pytest.fixture
async def foreign(neon: RunningEmulator) -> AsyncIterator[str]:
    """A database that belongs to another role."""
    owner = fresh("ana")
    await neon.client.done(await neon.client.create_role(owner))
    async with _database(neon, fresh("other"), owner) as name:
        yield name
    await neon.client.done(await neon.client.delete_role(owner))


async def test_names_those_that_the_admin_may_close_itself(
    neon: RunningEmulator, database: str
) -> None:
    [warning] = await _warnings(neon)

    assert warning["run_as"] == "admin"
    assert _named(warning, "neondb")
    assert _named(warning, database)


async def test_does_not_name_those_of_others(neon: RunningEmulator, foreign: str) -> None:
    [warning] = await _warnings(neon)

    assert not _named(warning, foreign)
    assert not _named(warning, "postgres")
    assert not _named(warning, "template1")


async def test_says_nothing_more_once_the_admin_has_run_it_all(
    neon: RunningEmulator, database: str
) -> None:
    [warning] = await _warnings(neon)
    async with neon.session() as admin:
        try:
            for statement in warning["statements"]:
                await admin.execute(statement)

            assert await _warnings(neon) == []
        finally:
            await admin.execute("GRANT CONNECT, TEMPORARY ON DATABASE neondb TO PUBLIC")


async def test_an_operators_server_is_closed_by_its_superuser(server_18: OperatorsServer) -> None:
    superuser = await asyncpg.connect(server_18.superuser_dsn)
    try:
        await superuser.execute("CREATE DATABASE open_to_all")
        with capture_logs() as logs:
            await _start(server_18)
        await superuser.execute("DROP DATABASE open_to_all")
    finally:
        await superuser.close()

    [warning] = logs
    assert warning["run_as"] == "superuser"
    assert _named(warning, "open_to_all")


@asynccontextmanager
async def _database(neon: RunningEmulator, name: str, owner: str) -> AsyncIterator[str]:
    await neon.client.done(await neon.client.create_database(name, owner))
    yield name
    await neon.client.done(await neon.client.delete_database(name))


async def _warnings(neon: RunningEmulator) -> list[Any]:
    with capture_logs() as logs:
        async with vending_on(neon, Isolation.ROLE):
            pass
    return [line for line in logs if line["event"] == "postgres.open_to_tenants"]


async def _start(server: OperatorsServer) -> None:
    described = server_of_dsn(server.dsn(), public_host=None, public_port=None, connection_limit=3)
    async with checked_provider(described, INSTALLATION, structlog.get_logger()):
        pass


def _named(warning: Any, database: str) -> bool:
    return any(f'"{database}"' in statement for statement in warning["statements"])
