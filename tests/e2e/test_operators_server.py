"""`pgvend serve` over a server that somebody else runs, reached as its operator set it up."""

from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.support.orders import unique_name
from tests.support.servers import PASSWORD, OperatorsServer
from tests.support.service import running_service


async def test_both_routes_hand_out_logins_to_it(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with (
        running_service(
            tmp_path,
            PGVEND_PROVIDER="postgres",
            PGVEND_POSTGRES_ADMIN_DSN=server_15.dsn(),
            PGVEND_LOG_LEVEL="debug",
        ) as service,
        aiohttp.ClientSession(service.url) as client,
    ):
        new = await _posted(client, "/v1/databases", {"nickname": unique_name()})
        old = await _posted(client, "/api/create-neon-db", {"project": {"name": unique_name()}})

        assert new["connection"]["port"] == old["port"] == server_15.port
        await _is_owned_by(new["connection"]["uri"], new["owner"])
        await _is_owned_by(_uri(old), old["database_owner"])
        passwords = (PASSWORD, new["connection"]["password"], old["database_owner_password"])
        assert not [secret for secret in passwords if secret in service.output()]
        assert await service.stop() == 0


async def test_tenants_are_told_the_address_that_they_can_reach(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with (
        running_service(
            tmp_path,
            PGVEND_PROVIDER="postgres",
            PGVEND_POSTGRES_ADMIN_DSN=server_15.dsn(),
            PGVEND_POSTGRES_PUBLIC_HOST="localhost",
        ) as service,
        aiohttp.ClientSession(service.url) as client,
    ):
        made = await _posted(client, "/v1/databases", {"nickname": unique_name()})

    assert made["connection"]["host"] == "localhost"


async def test_a_server_that_is_not_there_yet_makes_it_unready(tmp_path: Path) -> None:
    dsn = "postgresql://admin:hunter2@127.0.0.1:1/postgres"
    async with (
        running_service(
            tmp_path, PGVEND_PROVIDER="postgres", PGVEND_POSTGRES_ADMIN_DSN=dsn
        ) as service,
        aiohttp.ClientSession(service.url) as client,
    ):
        async with client.get("/livez") as alive, client.get("/readyz") as ready:
            assert (alive.status, ready.status) == (200, 503)
            assert (await ready.json())["checks"] == {
                "registry": "ok",
                "provider": "provider_busy",
            }
        assert await service.stop() == 0
        assert "hunter2" not in service.output()


async def _posted(client: aiohttp.ClientSession, path: str, body: Any) -> Any:
    async with client.post(path, json=body) as response:
        assert response.ok, await response.text()
        return await response.json()


async def _is_owned_by(uri: str, owner: str) -> None:
    session = await asyncpg.connect(uri)
    try:
        await session.execute("CREATE TABLE mine (n int)")
        sql = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert await session.fetchval(sql) == owner
    finally:
        await session.close()


def _uri(old: Any) -> str:
    return (
        f"postgresql://{old['database_owner']}:{old['database_owner_password']}"
        f"@{old['hostname']}:{old['port']}/{old['database_name']}"
    )
