"""`pgvend doctor` as a program."""

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.support.command_line import (
    CommandResult,
    find_program,
    run_command,
    run_pgvend,
    run_program,
)
from tests.support.doctor import LACKS_FIXES, run_as_superuser
from tests.support.neon.emulator import RunningEmulator
from tests.support.servers import PASSWORD, OperatorsServer
from tests.support.service import RunningService
from tests.support.service_client import create_database

OTHER_SECRET = "another-secret-than-the-one-it-was"


async def test_a_new_installation_passes_and_nothing_is_created(tmp_path: Path) -> None:
    result = await run_pgvend("doctor", PGVEND_DATA_DIR=str(tmp_path / "data"))
    assert result.status == 0, result
    assert result.stdout.startswith("VERDICT  CHECK")
    assert (result.stderr, os.listdir(tmp_path)) == ("", [])


async def test_while_a_service_runs_doctor_does_not_disturb_it(service: RunningService) -> None:
    await create_database(service)
    checks = await _run_checks(service.data_dir)
    await create_database(service)

    sound = [check for check in checks.values() if LACKS_FIXES not in check["detail"]]
    assert {check["verdict"] for check in sound} == {"ok"}
    records = int(checks["records"]["detail"].split()[0])
    assert records >= 1
    assert checks["marks"]["detail"].split()[0].isdigit()
    assert "of this pgvend" in checks["marks"]["detail"]


async def test_databases_are_recognized_under_another_secret(service: RunningService) -> None:
    await create_database(service)
    first = (service.data_dir / "secret").read_text().strip()
    changed = await _run_checks(service.data_dir, PGVEND_SECRET=OTHER_SECRET)
    rotated = await _run_checks(
        service.data_dir, PGVEND_SECRET=OTHER_SECRET, PGVEND_SECRET_PREVIOUS=first
    )

    assert changed["marks"]["verdict"] == rotated["marks"]["verdict"] == "ok"
    assert changed["passwords"]["verdict"] == "fail"
    assert rotated["passwords"]["verdict"] == "ok"


async def test_the_printed_fixes_can_be_run_by_psql(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    settings = _settings_for(server_15)
    await run_as_superuser(server_15, "CREATE DATABASE wide_open", "ALTER ROLE admin NOCREATEDB")
    try:
        before = await _run_doctor(tmp_path, **settings)
        script = before.stdout.partition("Run this SQL as a superuser to fix it:")[2]
        await _run_script(server_15, script)
        cautious = await _run_doctor(tmp_path, **settings)
        agreed = re.sub(r"^-- (?=[A-Z\\].*[;\"]$)", "", script, flags=re.MULTILINE)
        await _run_script(server_15, agreed)
        again = await _run_doctor(tmp_path, **settings)
    finally:
        await run_as_superuser(
            server_15,
            "DROP DATABASE wide_open",
            "ALTER ROLE admin CREATEDB",
            "ALTER ROLE postgres RESET search_path",
            "REVOKE ALL ON pg_hba_file_rules FROM admin",
            "REVOKE ALL ON FUNCTION pg_hba_file_rules() FROM admin",
        )

    assert (before.status, cautious.status, again.status) == (1, 1, 0), (before, cautious, again)
    assert re.findall(r"^(?!--)\S.*;$", cautious.stdout, re.MULTILINE) == []
    assert 'ON DATABASE "wide_open"' in cautious.stdout
    assert "to fix it:" not in again.stdout
    assert PASSWORD not in f"{before}{again}"


async def test_an_unreachable_server_does_not_hide_other_checks(tmp_path: Path) -> None:
    dsn = "postgresql://admin:hunter2@127.0.0.1:1/postgres"
    settings = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    result = await _run_doctor(tmp_path / "data", "--json", **settings)
    checks = _by_name(result)

    assert result.status == 1
    assert checks["postgres"]["verdict"] == "fail"
    assert "PGVEND_POSTGRES_ADMIN_DSN" in checks["postgres"]["detail"]
    assert checks["records"]["verdict"] == "ok"
    assert "hunter2" not in result.stdout + result.stderr


async def test_neon_is_checked(neon: RunningEmulator, tmp_path: Path) -> None:
    result = await _run_doctor(
        tmp_path / "data",
        NEON_API_URL=neon.url,
        NEON_API_KEY=neon.key,
        NEON_PROJECT_ID=neon.project_id,
        NEON_BRANCH_ID=neon.branch_id,
        NEON_HOST=neon.host,
    )

    assert result.status == 1, "the database of a new branch is open to all roles"
    assert 'REVOKE CONNECT, TEMPORARY ON DATABASE "neondb" FROM PUBLIC;' in result.stdout
    assert "Run this SQL as the admin to fix it:" in result.stdout
    assert neon.key not in result.stdout + result.stderr


async def test_invalid_settings_are_reported_as_at_startup(tmp_path: Path) -> None:
    result = await _run_doctor(tmp_path, PGVEND_SECRET="hunter2")
    assert (result.status, result.stdout) == (1, "")
    assert "PGVEND_SECRET" in result.stderr
    assert "hunter2" not in result.stderr


async def _run_script(server: OperatorsServer, script: str) -> None:
    anywhere = server.dsn("postgres", "template1")
    psql = await run_program(find_program("psql"), anywhere, "-v", "ON_ERROR_STOP=1", stdin=script)
    assert psql.status == 0, psql.stderr


def _settings_for(server: OperatorsServer) -> dict[str, Any]:
    return {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": server.dsn()}


async def _run_checks(folder: Path, **settings: str) -> dict[str, Any]:
    return _by_name(await _run_doctor(folder, "--json", **settings))


def _by_name(result: CommandResult) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


async def _run_doctor(folder: Path, *arguments: str, **settings: str) -> CommandResult:
    """Run it with the settings of a service under test, which keeps no spares."""
    own = {"PGVEND_DATA_DIR": str(folder), "PGVEND_SPARES": "default=0"}
    return await run_command("doctor", *arguments, **own | settings)
