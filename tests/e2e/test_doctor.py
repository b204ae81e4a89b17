"""`pgvend doctor`, as one types it before `pgvend serve`."""

import json
import os
from pathlib import Path
from typing import Any

from tests.support.checkups import LACKING, run
from tests.support.command_line import Ran, pgvend, program, ran, run_command
from tests.support.neon.emulator import RunningEmulator
from tests.support.servers import PASSWORD, OperatorsServer
from tests.support.service import RunningService
from tests.support.serviced import created

ANOTHER = "another-secret-than-the-one-it-was"


async def test_a_new_installation_passes_and_nothing_is_made(tmp_path: Path) -> None:
    told = await pgvend("doctor", PGVEND_DATA_DIR=str(tmp_path / "data"))
    assert told.status == 0, told
    assert told.stdout.startswith("VERDICT  CHECK")
    assert (told.stderr, os.listdir(tmp_path)) == ("", [])


async def test_while_a_service_runs_it_looks_and_lets_it_be(service: RunningService) -> None:
    await created(service)
    checks = await _checks(service.data_dir)
    await created(service)

    sound = [check for check in checks.values() if LACKING not in check["detail"]]
    assert {check["verdict"] for check in sound} == {"ok"}
    records = int(checks["records"]["detail"].split()[0])
    assert records >= 1
    assert checks["marks"]["detail"].split()[0].isdigit()
    assert "of this pgvend" in checks["marks"]["detail"]


async def test_databases_stay_ours_under_another_secret(service: RunningService) -> None:
    await created(service)
    first = (service.data_dir / "secret").read_text().strip()
    changed = await _checks(service.data_dir, PGVEND_SECRET=ANOTHER)
    rotated = await _checks(service.data_dir, PGVEND_SECRET=ANOTHER, PGVEND_SECRET_PREVIOUS=first)

    assert changed["marks"]["verdict"] == rotated["marks"]["verdict"] == "ok"
    assert changed["passwords"]["verdict"] == "fail"
    assert rotated["passwords"]["verdict"] == "ok"


async def test_what_it_prints_is_run_by_psql(server_15: OperatorsServer, tmp_path: Path) -> None:
    settings = _over(server_15)
    await run(server_15, "CREATE DATABASE wide_open", "ALTER ROLE admin NOCREATEDB")
    try:
        before = await _doctor(tmp_path, **settings)
        script = before.stdout.partition("To mend, run as a superuser:")[2]
        anywhere = server_15.dsn("postgres", "template1")
        psql = await ran(program("psql"), anywhere, "-v", "ON_ERROR_STOP=1", stdin=script)
        again = await _doctor(tmp_path, **settings)
    finally:
        await run(
            server_15,
            "DROP DATABASE wide_open",
            "ALTER ROLE admin CREATEDB",
            "ALTER ROLE postgres RESET search_path",
            "REVOKE ALL ON pg_hba_file_rules FROM admin",
            "REVOKE ALL ON FUNCTION pg_hba_file_rules() FROM admin",
        )

    assert (before.status, psql.status, again.status) == (1, 0, 0), (before, psql, again)
    assert "To mend" not in again.stdout
    assert PASSWORD not in f"{before}{again}"


async def test_a_server_that_is_not_there_hides_nothing_else(tmp_path: Path) -> None:
    dsn = "postgresql://admin:hunter2@127.0.0.1:1/postgres"
    settings = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    told = await _doctor(tmp_path / "data", "--json", **settings)
    checks = _by_name(told)

    assert told.status == 1
    assert checks["postgres"]["verdict"] == "fail"
    assert "PGVEND_POSTGRES_ADMIN_DSN" in checks["postgres"]["detail"]
    assert checks["records"]["verdict"] == "ok"
    assert "hunter2" not in told.stdout + told.stderr


async def test_it_looks_at_neon(neon: RunningEmulator, tmp_path: Path) -> None:
    told = await _doctor(
        tmp_path / "data",
        NEON_API_URL=neon.url,
        NEON_API_KEY=neon.key,
        NEON_PROJECT_ID=neon.project_id,
        NEON_BRANCH_ID=neon.branch_id,
        NEON_HOST=neon.host,
    )

    assert told.status == 1, "a new branch's database is open to all"
    assert 'REVOKE CONNECT, TEMPORARY ON DATABASE "neondb" FROM PUBLIC;' in told.stdout
    assert "To mend, run as the admin:" in told.stdout
    assert neon.key not in told.stdout + told.stderr


async def test_settings_that_are_wrong_are_told_as_at_a_start(tmp_path: Path) -> None:
    told = await _doctor(tmp_path, PGVEND_SECRET="hunter2")
    assert (told.status, told.stdout) == (1, "")
    assert "PGVEND_SECRET" in told.stderr
    assert "hunter2" not in told.stderr


def _over(server: OperatorsServer) -> dict[str, Any]:
    return {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": server.dsn()}


async def _checks(folder: Path, **settings: str) -> dict[str, Any]:
    return _by_name(await _doctor(folder, "--json", **settings))


def _by_name(told: Ran) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(told.stdout)["checks"]}


async def _doctor(folder: Path, *arguments: str, **settings: str) -> Ran:
    return await run_command("doctor", *arguments, PGVEND_DATA_DIR=str(folder), **settings)
