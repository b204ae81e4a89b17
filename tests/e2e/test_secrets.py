"""`pgvend serve` with another secret keeps its databases. A guessable secret is refused, unless
databases already use it; then the service warns."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.test_doctor import _run_checks, _settings_for
from tests.e2e.test_neon_service import variables
from tests.support.neon.emulator import RunningEmulator
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer
from tests.support.service import NotStarted, RunningService, running_service
from tests.support.service_client import (
    PATH,
    create_database,
    database_exists,
    delete_database,
    request_json,
    reveal_connection,
    rotate_password,
    running_service_over,
    send_request,
)

OLD_SECRET = "the first secret which is long enough"
GUESSABLE_SECRET = "change-me-to-something-long-and-random"
NEW_SECRET = "the second secret which is long enough"


async def test_after_a_lost_secret_a_database_needs_a_rotation(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_with_secret(server_15, tmp_path, OLD_SECRET) as service:
        database, other = await create_database(service), await create_database(service)

    async with service_with_secret(server_15, tmp_path, NEW_SECRET) as service:
        assert re.search(r'"databases": 2.*"event": "secret.missing"', service.output())
        reconciliation = await request_json(
            service, "POST", "/v1/reconciliations", {"dry_run": True}
        )
        assert reconciliation["results"] == []
        status, problem = await send_request(service, "GET", f"{PATH}/{database['id']}/connection")
        assert (status, problem["code"]) == (409, "secret_unknown")
        await log_in(database)

        after = await rotate_password(service, database)
        assert await reveal_connection(service, database) == after["connection"]
        await log_in(after)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await log_in(database)
        for one in (database, other):
            await delete_database(service, one)
            assert not await database_exists(server_15, one["database"])


async def test_after_a_lost_registry_the_oldest_secret_identifies_the_installation(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_with_secret(server_15, tmp_path / "first", OLD_SECRET) as service:
        database = await create_database(service)
    async with service_with_secret(
        server_15, tmp_path / "second", NEW_SECRET, OLD_SECRET
    ) as service:
        again = await create_database(service)
    installations = {await installation_of(server_15, one["owner"]) for one in (database, again)}
    assert len(installations) == 1


async def test_passwords_that_neon_chooses_survive_a_lost_secret(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    settings = variables(neon, PGVEND_NEON_ISOLATION="none")
    async with running_service(tmp_path, PGVEND_SECRET=OLD_SECRET, **settings) as service:
        database = await create_database(service)

    async with running_service(tmp_path, PGVEND_SECRET=NEW_SECRET, **settings) as service:
        assert "secret.missing" not in service.output()
        assert await reveal_connection(service, database) == database["connection"]
        await delete_database(service, database)


async def run_checks(server: OperatorsServer, folder: Path, **secrets: str) -> dict[str, Any]:
    return await _run_checks(folder, **_settings_for(server), **secrets)


async def test_a_guessable_secret_is_refused_without_records(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    for _ in range(2):  # the first start must not let the second one pass
        with pytest.raises(NotStarted) as refused:
            async with service_with_secret(server_15, tmp_path, GUESSABLE_SECRET):
                pass
        assert "can be guessed" in str(refused.value)
        assert "PGVEND_SECRET" in str(refused.value)
        assert GUESSABLE_SECRET not in str(refused.value)
    checks = await run_checks(server_15, tmp_path, PGVEND_SECRET=GUESSABLE_SECRET)
    assert checks["secret"]["verdict"] == "fail"

    async with service_with_secret(server_15, tmp_path, NEW_SECRET) as service:
        await create_database(service)


async def test_a_guessable_secret_in_use_fails_doctor_until_all_are_rotated(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_with_secret(server_15, tmp_path, NEW_SECRET) as service:
        await create_database(service)
    async with service_with_secret(server_15, tmp_path, GUESSABLE_SECRET, NEW_SECRET) as service:
        database = await create_database(service)
        assert "secret.guessable" in service.output()
        assert GUESSABLE_SECRET not in service.output()
    before = await run_checks(
        server_15, tmp_path, PGVEND_SECRET=GUESSABLE_SECRET, PGVEND_SECRET_PREVIOUS=NEW_SECRET
    )
    secrets = {"PGVEND_SECRET": NEW_SECRET, "PGVEND_SECRET_PREVIOUS": GUESSABLE_SECRET}
    changed = await run_checks(server_15, tmp_path, **secrets)
    async with service_with_secret(server_15, tmp_path, NEW_SECRET, GUESSABLE_SECRET) as service:
        assert await reveal_connection(service, database) == database["connection"]
        after = await rotate_password(service, database)
        async with session({"dsn": after["connection"]["uri"]}):
            pass
    after_rotation = await run_checks(server_15, tmp_path, **secrets)

    assert (before["secret"]["verdict"], "guessed" in before["secret"]["detail"]) == ("fail", True)
    assert (changed["secret"]["verdict"], changed["passwords"]["verdict"]) == ("ok", "fail")
    assert (after_rotation["secret"]["verdict"], after_rotation["passwords"]["verdict"]) == (
        "ok",
        "ok",
    )


def service_with_secret(
    server: OperatorsServer, folder: Path, secret: str, *previous: str
) -> AbstractAsyncContextManager[RunningService]:
    secrets = {"PGVEND_SECRET_PREVIOUS": ",".join(previous)} if previous else {}
    return running_service_over(server, folder, PGVEND_SECRET=secret, **secrets)


async def log_in(database: Mapping[str, Any]) -> None:
    async with session({"dsn": database["connection"]["uri"]}):
        pass


async def installation_of(server: OperatorsServer, owner: str) -> str:
    """Return the installation in the mark of the role."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1"
        return str(await superuser.fetchval(sql, owner)).split(":")[1]
