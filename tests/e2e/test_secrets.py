"""`pgvend serve` with another secret keeps its databases. A guessable secret is refused, unless
databases already use it; then the service warns."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.test_doctor import _checks, _over
from tests.e2e.test_neon_service import variables
from tests.support.neon.emulator import RunningEmulator
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer
from tests.support.service import NotStarted, RunningService, running_service
from tests.support.service_client import (
    PATH,
    answered,
    asked,
    connection_of,
    created,
    deleted,
    exists,
    rotated,
    service_over,
)

OLD = "the first secret, which is long enough"
GUESSABLE = "change-me-to-something-long-and-random"
NEW = "the second secret, which is long enough"


async def test_after_a_lost_secret_a_database_needs_a_rotation(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, OLD) as service:
        made, left = await created(service), await created(service)

    async with service_under(server_15, tmp_path, NEW) as service:
        assert re.search(r'"databases": 2.*"event": "secret.missing"', service.output())
        reconciliation = await asked(service, "POST", "/v1/reconciliations", {"dry_run": True})
        assert reconciliation["results"] == []
        status, problem = await answered(service, "GET", f"{PATH}/{made['id']}/connection")
        assert (status, problem["code"]) == (409, "secret_unknown")
        await logs_in(made)

        after = await rotated(service, made)
        assert await connection_of(service, made) == after["connection"]
        await logs_in(after)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await logs_in(made)
        for one in (made, left):
            await deleted(service, one)
            assert not await exists(server_15, one["database"])


async def test_after_a_lost_registry_the_oldest_secret_identifies_the_installation(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path / "first", OLD) as service:
        made = await created(service)
    async with service_under(server_15, tmp_path / "second", NEW, OLD) as service:
        again = await created(service)
    installations = {await installation_of(server_15, one["owner"]) for one in (made, again)}
    assert len(installations) == 1


async def test_passwords_that_neon_chooses_survive_a_lost_secret(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    settings = variables(neon, PGVEND_NEON_ISOLATION="none")
    async with running_service(tmp_path, PGVEND_SECRET=OLD, **settings) as service:
        made = await created(service)

    async with running_service(tmp_path, PGVEND_SECRET=NEW, **settings) as service:
        assert "secret.missing" not in service.output()
        assert await connection_of(service, made) == made["connection"]
        await deleted(service, made)


async def checks(server: OperatorsServer, folder: Path, **secrets: str) -> dict[str, Any]:
    return await _checks(folder, **_over(server), **secrets)


async def test_a_guessable_secret_is_refused_without_records(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    for _ in range(2):  # the first start must not let the second one pass
        with pytest.raises(NotStarted) as refused:
            async with service_under(server_15, tmp_path, GUESSABLE):
                pass
        assert "can be guessed" in str(refused.value)
        assert "PGVEND_SECRET" in str(refused.value)
        assert GUESSABLE not in str(refused.value)
    judged = await checks(server_15, tmp_path, PGVEND_SECRET=GUESSABLE)
    assert judged["secret"]["verdict"] == "fail"

    async with service_under(server_15, tmp_path, NEW) as service:
        await created(service)


async def test_a_guessable_secret_in_use_fails_doctor_until_all_are_rotated(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, NEW) as service:
        await created(service)
    async with service_under(server_15, tmp_path, GUESSABLE, NEW) as service:
        made = await created(service)
        assert "secret.guessable" in service.output()
        assert GUESSABLE not in service.output()
    before = await checks(server_15, tmp_path, PGVEND_SECRET=GUESSABLE, PGVEND_SECRET_PREVIOUS=NEW)
    given = {"PGVEND_SECRET": NEW, "PGVEND_SECRET_PREVIOUS": GUESSABLE}
    changed = await checks(server_15, tmp_path, **given)
    async with service_under(server_15, tmp_path, NEW, GUESSABLE) as service:
        assert await connection_of(service, made) == made["connection"]
        after = await rotated(service, made)
        async with session({"dsn": after["connection"]["uri"]}):
            pass
    done = await checks(server_15, tmp_path, **given)

    assert (before["secret"]["verdict"], "guessed" in before["secret"]["detail"]) == ("fail", True)
    assert (changed["secret"]["verdict"], changed["passwords"]["verdict"]) == ("ok", "fail")
    assert (done["secret"]["verdict"], done["passwords"]["verdict"]) == ("ok", "ok")


def service_under(
    server: OperatorsServer, folder: Path, secret: str, *previous: str
) -> AbstractAsyncContextManager[RunningService]:
    given = {"PGVEND_SECRET_PREVIOUS": ",".join(previous)} if previous else {}
    return service_over(server, folder, PGVEND_SECRET=secret, **given)


async def logs_in(database: Mapping[str, Any]) -> None:
    async with session({"dsn": database["connection"]["uri"]}):
        pass


async def installation_of(server: OperatorsServer, owner: str) -> str:
    """Return the installation in the mark of the role."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1"
        return str(await superuser.fetchval(sql, owner)).split(":")[1]
