"""Callers of a running service, and tenants of its databases."""

from pathlib import Path
from typing import Any

import aiohttp

from domain.connection import Connection
from domain.secret import Secret


async def vend(url: str, nickname: str) -> Connection:
    """A database by the original service's route."""
    async with aiohttp.ClientSession() as client:
        body = {"project": {"name": nickname}}
        async with client.post(f"{url}/api/create-neon-db", json=body) as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
    return Connection(
        host=told["hostname"],
        port=told["port"],
        database=told["database_name"],
        user=told["database_owner"],
        password=Secret(told["database_owner_password"]),
        sslmode="disable",
    )


async def is_listening(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as client, client.get(f"{url}/livez"):
            return True
    except aiohttp.ClientConnectorError:
        return False


def superuser_of(data_dir: Path) -> dict[str, Any]:
    """asyncpg's arguments for the superuser's login, which the service's own user has."""
    folder = data_dir / "embedded"
    return {
        "host": str(folder / "data"),
        "port": int((folder / "port").read_text()),
        "user": "postgres",
        "database": "postgres",
    }
