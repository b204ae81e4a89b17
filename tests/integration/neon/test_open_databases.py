"""Databases open to all tenants: on Neon the admin closes its own, and there is no superuser."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import structlog
from structlog.testing import capture_logs

from adapters.postgres.factory import open_checked_provider
from adapters.postgres.server import server_from_dsn
from domain.targets import Isolation
from tests.support.neon.emulator import RunningEmulator, create_object, new_name
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import OperatorsServer


async def test_the_warning_lists_open_databases_until_the_admin_closes_them(
    neon: RunningEmulator,
) -> None:
    own, owner, foreign = (
        await create_object(neon, "database"),
        await create_object(neon, "role"),
        new_name("foreign"),
    )
    await neon.client.wait_until_done(await neon.client.create_database(foreign, owner))
    [warning] = await _warnings(provider_on(neon, Isolation.ROLE))
    async with neon.session() as admin:
        try:
            for statement in warning["statements"]:
                await admin.execute(statement.removeprefix("-- "))
            remaining = await _warnings(provider_on(neon, Isolation.ROLE))
        finally:
            await admin.execute("GRANT CONNECT, TEMPORARY ON DATABASE neondb TO PUBLIC")
    for database in (own, foreign):
        await neon.client.wait_until_done(await neon.client.delete_database(database))
    await neon.client.wait_until_done(await neon.client.delete_role(owner))

    names = (own, "neondb", foreign, "postgres", "template1")
    assert warning["run_as"] == "admin"
    assert [name for name in names if _is_named(warning, name)] == [own, "neondb"]
    assert remaining == []


async def test_on_an_operators_server_the_superuser_closes_databases(
    server_18: OperatorsServer,
) -> None:
    described = server_from_dsn(
        server_18.dsn(), public_host=None, public_port=None, connection_limit=3
    )
    superuser = await asyncpg.connect(server_18.superuser_dsn)
    try:
        await superuser.execute("CREATE DATABASE open_to_all")
        start = open_checked_provider(described, INSTALLATION, structlog.get_logger())
        [warning] = await _warnings(start)
        await superuser.execute("DROP DATABASE open_to_all")
    finally:
        await superuser.close()

    assert warning["run_as"] == "superuser"
    assert _is_named(warning, "open_to_all")


async def _warnings(start: AbstractAsyncContextManager[object]) -> list[Any]:
    with capture_logs() as logs:
        async with start:
            pass
    return [line for line in logs if line["event"] == "postgres.open_to_tenants"]


def _is_named(warning: Any, database: str) -> bool:
    return any(f'"{database}"' in statement for statement in warning["statements"])
