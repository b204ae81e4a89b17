"""Clients of a running service by the original route, and its superuser."""

from pathlib import Path
from typing import Any

import aiohttp

from domain.connection import Connection
from domain.secrets import Secret


async def create_by_legacy_route(url: str, nickname: str) -> Connection:
    """Create a database by the route of the original service."""
    async with aiohttp.ClientSession() as client:
        body = {"project": {"name": nickname}}
        async with client.post(f"{url}/api/create-neon-db", json=body) as answer:
            assert answer.status == 200, await answer.text()
            created = await answer.json()
    return Connection(
        host=created["hostname"],
        port=created["port"],
        database=created["database_name"],
        user=created["database_owner"],
        password=Secret(created["database_owner_password"]),
        sslmode="disable",
    )


async def is_listening(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as client, client.get(f"{url}/livez"):
            return True
    except aiohttp.ClientConnectorError:
        return False


def superuser_login(data_dir: Path) -> dict[str, Any]:
    """Return asyncpg's arguments for the superuser, open to the system user of the service."""
    folder = data_dir / "embedded"
    return {
        "host": str(folder / "data"),
        "port": int((folder / "port").read_text()),
        "user": "postgres",
        "database": "postgres",
    }
