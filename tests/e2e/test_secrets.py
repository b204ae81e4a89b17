"""`pgvend serve` is started with another secret: its databases stay its own."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.e2e.test_neon_service import variables
from tests.support.neon.emulator import RunningEmulator
from tests.support.orders import unique_name
from tests.support.places import session
from tests.support.polling import until
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService, running_service
from tests.support.standstill import exists

OLD = "the secret that there was at first and is long enough"
NEW = "the secret that there is from now on and is long enough"


async def test_a_kept_secret_keeps_the_passwords(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, OLD) as service:
        made = await vended(service)

    async with service_under(server_15, tmp_path, NEW, OLD) as service:
        assert await connection_of(service, made) == made["connection"]
        rotated = await asked(service, "POST", made, "/rotate")

    async with service_under(server_15, tmp_path, NEW) as service:
        assert await connection_of(service, made) == rotated["connection"]
        assert "secret.missing" not in service.output()
        await dropped(service, made)
    assert not await exists(server_15, made["database"])


async def test_under_a_lost_secret_a_database_waits_for_its_rotation(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, OLD) as service:
        made = await vended(service)

    async with service_under(server_15, tmp_path, NEW) as service:
        assert re.search(r'"databases": 1.*"event": "secret.missing"', service.output())
        problem = await asked(service, "GET", made, "/connection", status=409)
        assert problem["code"] == "secret_unknown"
        await logs_in(made["connection"])

        rotated = await asked(service, "POST", made, "/rotate")
        assert await connection_of(service, made) == rotated["connection"]
        await logs_in(rotated["connection"])
        with pytest.raises(asyncpg.InvalidPasswordError):
            await logs_in(made["connection"])
        await dropped(service, made)


async def test_what_is_ours_is_known_and_dropped_under_any_secret(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, OLD) as service:
        made = await vended(service)

    async with service_under(server_15, tmp_path, NEW) as service:
        assert await drifts(service) == []
        await dropped(service, made)

    assert not await exists(server_15, made["database"])


async def test_a_lost_registry_finds_its_databases_by_the_oldest_secret(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path / "first", OLD) as service:
        made = await vended(service)

    async with service_under(server_15, tmp_path / "second", NEW, OLD) as service:
        [row] = await marks(server_15, made["owner"])
        again = await vended(service)
        [other] = await marks(server_15, again["owner"])
        assert installation_in(row) == installation_in(other)
        await dropped(service, again)

    async with service_under(server_15, tmp_path / "first", OLD) as service:
        await dropped(service, made)


async def test_a_generated_secret_is_replaced_in_its_file(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with over(server_15, tmp_path) as service:
        made = await vended(service)

    file = tmp_path / "secret"
    previous = file.read_text().strip()
    file.write_text(NEW)

    async with over(server_15, tmp_path, PGVEND_SECRET_PREVIOUS=previous) as service:
        assert await connection_of(service, made) == made["connection"]
        await dropped(service, made)


async def test_where_neon_chooses_passwords_none_is_ever_lost(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    settings = variables(neon, PGVEND_NEON_ISOLATION="none")
    async with running_service(tmp_path, PGVEND_SECRET=OLD, **settings) as service:
        made = await vended(service)

    async with running_service(tmp_path, PGVEND_SECRET=NEW, **settings) as service:
        assert "secret.missing" not in service.output()
        assert await connection_of(service, made) == made["connection"]
        await dropped(service, made)


def service_under(
    server: OperatorsServer, folder: Path, secret: str, *previous: str
) -> AbstractAsyncContextManager[RunningService]:
    given = {"PGVEND_SECRET_PREVIOUS": ",".join(previous)} if previous else {}
    return over(server, folder, PGVEND_SECRET=secret, **given)


def over(
    server: OperatorsServer, folder: Path, **settings: str
) -> AbstractAsyncContextManager[RunningService]:
    place: dict[str, Any] = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": server.dsn(),
        **settings,
    }
    return running_service(folder, **place)


async def vended(service: RunningService) -> Any:
    return await request(service, "POST", "/v1/databases", 201, {"nickname": unique_name()})


async def connection_of(service: RunningService, made: Mapping[str, Any]) -> Any:
    return await asked(service, "GET", made, "/connection")


async def dropped(service: RunningService, made: Mapping[str, Any]) -> None:
    await asked(service, "DELETE", made, status=202)

    async def is_gone() -> bool:
        return bool((await asked(service, "GET", made))["state"] == "retired")

    await until(is_gone)


async def drifts(service: RunningService) -> Any:
    return (await request(service, "POST", "/v1/sweep", 200, {"dry_run": True}))["findings"]


async def asked(
    service: RunningService, method: str, made: Mapping[str, Any], path: str = "", status: int = 200
) -> Any:
    return await request(service, method, f"/v1/databases/{made['id']}{path}", status)


async def request(
    service: RunningService, method: str, path: str, status: int, body: Any = None
) -> Any:
    async with (
        aiohttp.ClientSession(service.url) as client,
        client.request(method, path, json=body) as response,
    ):
        assert response.status == status, await response.text()
        return await response.json(content_type=None)


async def logs_in(connection: Mapping[str, Any]) -> None:
    async with session({"dsn": connection["uri"]}):
        pass


async def marks(server: OperatorsServer, owner: str) -> list[str]:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1"
        return [row[0] for row in await superuser.fetch(sql, owner)]


def installation_in(mark: str) -> str:
    return mark.split(":")[1]
