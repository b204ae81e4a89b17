"""What callers and tenants do with a service that is a process of its own; one over a server whose
CREATE DATABASE takes as long as one likes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.polling import until
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService, running_service

PATH = "/v1/databases"
LEGACY = "/api/create-neon-db"


async def answered(
    service: RunningService, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Send a request, and return status and JSON; `headers` have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(service.url) as client,
        client.request(method, path, json=body, headers=named) as response,
    ):
        return response.status, await response.json(content_type=None)


async def asked(
    service: RunningService, method: str, path: str, body: Any = None, **headers: str
) -> Any:
    """Send a request that must succeed, and return the JSON."""
    status, answer = await answered(service, method, path, body, **headers)
    assert status < 300, answer
    return answer


async def created(service: RunningService, nickname: str | None = None, **headers: str) -> Any:
    return await asked(service, "POST", PATH, {"nickname": nickname or unique_name()}, **headers)


async def created_by_legacy(service: RunningService) -> Any:
    return await asked(service, "POST", LEGACY, {"project": {"name": unique_name()}})


async def connection_of(service: RunningService, database: Mapping[str, Any]) -> Any:
    return await asked(service, "GET", f"{PATH}/{database['id']}/connection")


async def rotated(service: RunningService, database: Mapping[str, Any]) -> Any:
    return await asked(service, "POST", f"{PATH}/{database['id']}/rotate")


async def comes_to(
    service: RunningService, database: Mapping[str, Any], state: str, **headers: str
) -> None:
    async def has_come() -> bool:
        found = await asked(service, "GET", f"{PATH}/{database['id']}", **headers)
        return bool(found["state"] == state)

    await until(has_come)


async def deleted(service: RunningService, database: Mapping[str, Any], **headers: str) -> None:
    """Delete the database, and wait until it is deleted."""
    status, _ = await answered(service, "DELETE", f"{PATH}/{database['id']}", **headers)
    assert status == 202
    await comes_to(service, database, "deleted", **headers)


def login_of(answer: Mapping[str, Any]) -> dict[str, Any]:
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


async def owner_by(answer: Mapping[str, Any]) -> str:
    """Log in by an answer, create a table, and return the owner of the database."""
    async with session(login_of(answer)) as tenant:
        await tenant.execute("CREATE TABLE orders (n int)")
        sql = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        return str(await tenant.fetchval(sql))


def password_of(answer: Mapping[str, Any]) -> str:
    """Return the password in an answer of either route."""
    whole = answer.get("connection") or {"password": answer.get("database_owner_password")}
    return str(whole["password"])


def service_over(
    server: OperatorsServer, folder: Path, **settings: str
) -> AbstractAsyncContextManager[RunningService]:
    place: dict[str, Any] = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": server.dsn(),
        **settings,
    }
    return running_service(folder, **place)


@asynccontextmanager
async def no_new_databases(server: OperatorsServer) -> AsyncIterator[None]:
    """Block CREATE DATABASE and DROP DATABASE until the context exits; logins work."""
    async with session({"dsn": server.superuser_dsn}) as superuser, superuser.transaction():
        await superuser.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield


async def exists(server: OperatorsServer, database: str) -> bool:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT count(*) FROM pg_database WHERE datname = $1"
        return bool(await superuser.fetchval(sql, database))
