"""Fifty callers at once, over the bundled PostgreSQL: fifty databases that work."""

import asyncio
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.support.service import RunningService

CALLERS = 50


async def test_fifty_vends_at_once_are_fifty_working_databases(service: RunningService) -> None:
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(
        service.url, timeout=timeout, connector=aiohttp.TCPConnector(limit=0)
    ) as client:
        made = await asyncio.gather(*(_vended(client) for _ in range(CALLERS)))
    connections = [database["connection"] for database in made]

    for part in ("database", "user", "password"):
        assert len({connection[part] for connection in connections}) == CALLERS
    for connection in connections:
        await _works(connection)
    await _refuses_wrong_passwords(connections)


async def _vended(client: aiohttp.ClientSession) -> Any:
    async with client.post("/v1/databases", json={"nickname": "Fifty at once"}) as response:
        assert response.status == 201, await response.text()
        return await response.json()


async def _works(connection: Any) -> None:
    session = await asyncpg.connect(connection["uri"])
    try:
        await session.execute("CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
        assert await session.fetchval("SELECT n FROM mine") == 1
        sql = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1"
        assert await session.fetchval(sql, connection["database"]) == connection["user"]
    finally:
        await session.close()


async def _refuses_wrong_passwords(connections: list[Any]) -> None:
    """Each tenant tries its neighbour's password."""
    for connection, neighbour in zip(connections, connections[1:] + connections[:1], strict=True):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=connection["host"],
                port=connection["port"],
                user=connection["user"],
                password=neighbour["password"],
                database=connection["database"],
            )
