"""Requests of callers and logins of tenants at a service in a process of its own, and a server that
blocks CREATE DATABASE until a test ends."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.polling import wait_until
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService, running_service

PATH = "/v1/databases"
LEGACY = "/api/create-neon-db"


async def send_request(
    service: RunningService, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Send a request, and return status and JSON; `headers` have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(service.url) as client,
        client.request(method, path, json=body, headers=named) as response,
    ):
        return response.status, await response.json(content_type=None)


async def request_json(
    service: RunningService, method: str, path: str, body: Any = None, **headers: str
) -> Any:
    """Send a request that must succeed, and return the JSON."""
    status, answer = await send_request(service, method, path, body, **headers)
    assert status < 300, answer
    return answer


async def create_database(
    service: RunningService, nickname: str | None = None, **headers: str
) -> Any:
    return await request_json(
        service, "POST", PATH, {"nickname": nickname or unique_name()}, **headers
    )


async def create_by_legacy_route(service: RunningService) -> Any:
    return await request_json(service, "POST", LEGACY, {"project": {"name": unique_name()}})


async def reveal_connection(service: RunningService, database: Mapping[str, Any]) -> Any:
    return await request_json(service, "GET", f"{PATH}/{database['id']}/connection")


async def rotate_password(service: RunningService, database: Mapping[str, Any]) -> Any:
    return await request_json(service, "POST", f"{PATH}/{database['id']}/rotate")


async def wait_for_state(
    service: RunningService, database: Mapping[str, Any], state: str, **headers: str
) -> None:
    async def has_come() -> bool:
        record = await request_json(service, "GET", f"{PATH}/{database['id']}", **headers)
        return bool(record["state"] == state)

    await wait_until(has_come)


async def delete_database(
    service: RunningService, database: Mapping[str, Any], **headers: str
) -> None:
    """Delete the database, and wait until it is deleted."""
    status, _ = await send_request(service, "DELETE", f"{PATH}/{database['id']}", **headers)
    assert status == 202
    await wait_for_state(service, database, "deleted", **headers)


def login_from_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return asyncpg's arguments for an answer of either route."""
    if "connection" in answer:
        return {"dsn": answer["connection"]["uri"]}
    return {
        "host": answer["hostname"],
        "port": answer["port"],
        "user": answer["database_owner"],
        "password": answer["database_owner_password"],
        "database": answer["database_name"],
    }


async def query_owner(answer: Mapping[str, Any]) -> str:
    """Log in by an answer, create a table, and return the owner of the database."""
    async with session(login_from_answer(answer)) as tenant:
        await tenant.execute("CREATE TABLE orders (n int)")
        sql = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        return str(await tenant.fetchval(sql))


def password_from_answer(answer: Mapping[str, Any]) -> str:
    """Return the password in an answer of either route."""
    whole = answer.get("connection") or {"password": answer.get("database_owner_password")}
    return str(whole["password"])


def running_service_over(
    server: OperatorsServer, folder: Path, **settings: str
) -> AbstractAsyncContextManager[RunningService]:
    postgres: dict[str, Any] = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": server.dsn(),
        **settings,
    }
    return running_service(folder, **postgres)


@asynccontextmanager
async def blocked_create_database(server: OperatorsServer) -> AsyncIterator[None]:
    """Block CREATE DATABASE and DROP DATABASE until the context exits; logins work."""
    async with session({"dsn": server.superuser_dsn}) as superuser, superuser.transaction():
        await superuser.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield


async def database_exists(server: OperatorsServer, database: str) -> bool:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT count(*) FROM pg_database WHERE datname = $1"
        return bool(await superuser.fetchval(sql, database))
