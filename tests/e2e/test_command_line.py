"""The command line against a real service; how it finds the service and its key."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.support.command_line import (
    PGVEND,
    CommandResult,
    find_program,
    run_command,
    run_pgvend,
    run_program,
)
from tests.support.fake_service import CONNECTION, RECORD, fake_service
from tests.support.keyed_clients import ADMIN_KEY, running_keyed_app
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.service import RunningService
from tests.support.service_client import create_database, login_from_answer


async def test_a_database_is_managed_by_the_command_line(service: RunningService) -> None:
    run = uuid4().hex
    database = await _create(service, "--label", f"run={run}", "--ttl", "1h")
    first = database["connection"]["uri"]
    assert await _logs_in(first)
    assert await _read_output(service, "connection", database["id"]) == first

    listing = await _read_output(service, "list", "--label", f"run={run}")
    output = await _read_output(service, "show", database["id"])
    assert database["nickname"] in listing
    assert database["nickname"] in output
    assert database["connection"]["password"] not in listing + output

    nickname, name = database["nickname"], database["database"]
    extended = json.loads(await _read_output(service, "extend", nickname, "48h", "--json"))
    assert extended["expires_at"] > database["expires_at"]
    extended = json.loads(await _read_output(service, "extend", name, "never", "--json"))
    assert extended["expires_at"] is None
    rotated = await _read_output(service, "rotate", nickname)
    assert [await _logs_in(rotated), await _logs_in(first)] == [True, False]

    _check_explained(await _run(service, "restore", database["id"]), 5, "(request ")
    assert database["id"] in await _read_output(service, "delete", nickname, "--wait")
    _check_explained(await _run(service, "show", nickname), 3, "(request ")
    _check_explained(await _run(service, "connection", database["id"]), 5, "(request ")
    assert not await _logs_in(rotated)


async def test_databases_are_deleted_by_their_label(service: RunningService) -> None:
    label = f"class={uuid4().hex}"
    created = [(await _create(service, "--label", label))["id"] for _ in range(2)]
    kept = (await _create(service))["nickname"]
    await _read_output(service, "delete", created[0])

    deleted = json.loads(await _read_output(service, "delete", "--label", label, "--json"))
    assert deleted == {"ids": [created[1]]}
    _check_explained(await _run(service, "delete", "--label", label), 3, "No database has")
    await _read_output(service, "delete", kept, "--wait")


async def test_psql_accepts_the_uri_that_create_prints(service: RunningService) -> None:
    creation = await run_pgvend("create", unique_name(), PGVEND_URL=service.url)
    refused = await run_pgvend("create", "!?", PGVEND_URL=service.url)
    assert (creation.status, creation.stderr) == (0, "")
    uri = creation.stdout.removesuffix("\n")
    assert (await run_program(find_program("psql"), uri, "--command", "SELECT 1")).status == 0
    _check_explained(refused, 2, "needs a letter or a digit")


async def test_a_shell_evaluates_the_printed_environment(service: RunningService) -> None:
    create = f'set -a; eval "$({" ".join(PGVEND)} create "$0" --env)"; '
    ask = (
        f"{find_program('psql')} --no-password --tuples-only --command 'SELECT current_database()'"
    )
    url = 'test "$DATABASE_URL" && psql "$DATABASE_URL" --command "SELECT 1" >/dev/null'

    shell = await run_program(
        "sh", "-ec", f"{create} {url}; {ask}", unique_name("Env"), PGVEND_URL=service.url
    )

    assert shell.status == 0, shell.stderr
    assert shell.stdout.strip().startswith("env")


REFUSED = {
    "create n --ttl soon": (2, "'soon' is not a duration"),
    "create n --label =x": (2, "label ''"),
    "create n --extension no_such": (2, "no_such"),
    **{
        f"{command} db_nothing": (3, "There is no database 'db_nothing'")
        for command in ("show", "connection", "rotate", "delete", "restore")
    },
}


@pytest.mark.parametrize("command", REFUSED)
async def test_errors_of_the_service_are_printed(service: RunningService, command: str) -> None:
    _check_explained(await _run(service, *command.split()), *REFUSED[command])


async def test_keys_are_created_used_and_revoked() -> None:
    with capture_logs():
        async with running_keyed_app() as guarded:
            url = f"http://127.0.0.1:{guarded.app.port}"
            admin = {"PGVEND_URL": url, "PGVEND_KEY": ADMIN_KEY}
            key = await run_command("keys", "create", "web", **admin)
            web = {"PGVEND_URL": url, "PGVEND_KEY": key.stdout.strip()}
            creation = await run_command("create", "Sales", **web)
            forbidden = await run_command("keys", "list", **web)
            await run_command("keys", "revoke", key.stdout[:12], **admin)
            refused = await run_command("list", **web)
            audit_events = await run_command("audit", "--caller", "web", **admin)
            keyless = await run_command("list", PGVEND_URL=url)

    assert creation.stdout.startswith("postgresql://"), creation.stderr
    _check_explained(forbidden, 4, "lacks the scope admin")
    _check_explained(refused, 4, "was revoked")
    assert [line.split()[3] for line in audit_events.stdout.splitlines()[1:]] == ["createDatabase"]
    _check_explained(keyless, 4, "PGVEND_KEY")


async def test_a_dotenv_file_sets_the_url_and_the_key(tmp_path: Path) -> None:
    async with fake_service(RECORD) as service:
        (tmp_path / ".env").write_text(f"PGVEND_URL={service.url}\nPGVEND_KEY=k\n")
        result = await run_program("env", "-C", str(tmp_path), *PGVEND, "show", "db_1")
    assert result.status == 0, result.stderr
    assert service.headers[0]["Authorization"] == "Bearer k"


async def test_a_rotation_ends_sessions_only_on_request(service: RunningService) -> None:
    database = await create_database(service)
    session = await asyncpg.connect(database["connection"]["uri"])

    result = await run_command("rotate", database["id"], PGVEND_URL=service.url)
    assert (result.status, result.stderr) == (0, "")
    assert await session.fetchval("SELECT 1") == 1

    result = await run_command("rotate", database["id"], "--end-sessions", PGVEND_URL=service.url)
    assert (result.status, "sessions were ended" in result.stderr) == (0, True)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("SELECT 1")


@pytest.fixture
async def changed_password(service: RunningService) -> Any:
    """A database whose owner changed the password."""
    database = await create_database(service)
    async with session(login_from_answer(database)) as owner:
        await owner.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    return database


async def test_commands_refuse_a_changed_password_until_it_is_rotated(
    service: RunningService, changed_password: Any
) -> None:
    for command in ("connection", "url", "psql"):
        refused = await run_command(command, changed_password["id"], PGVEND_URL=service.url)
        assert (refused.status, refused.stdout) == (5, "")
        assert "rotate" in refused.stderr
    unverified = await run_command(
        "url", changed_password["id"], "--no-verify", PGVEND_URL=service.url
    )
    assert unverified.stdout.strip() == changed_password["connection"]["uri"]

    rotated = await run_command("rotate", changed_password["id"], PGVEND_URL=service.url)
    output = await run_command("url", changed_password["id"], PGVEND_URL=service.url)
    assert (output.status, output.stderr, output.stdout) == (0, "", rotated.stdout)


async def test_commands_warn_about_an_unverified_connection() -> None:
    answer = CONNECTION | {"verified": False}
    async with fake_service(answer, answer) as fake:
        for command in ("connection", "url"):
            result = await fake.run_pgvend(command, "db_1")
            assert (result.status, result.stdout) == (0, f"{CONNECTION['uri']}\n")
            assert "warning" in result.stderr
    assert [path for _, path, _ in fake.requests] == [
        "/v1/databases/db_1/connection?verify=true"
    ] * 2


async def _run(service: RunningService, *command: str) -> CommandResult:
    return await run_command(*command, PGVEND_URL=service.url)


async def _read_output(service: RunningService, *command: str) -> str:
    result = await _run(service, *command)
    assert result.status == 0, result.stderr
    return result.stdout.removesuffix("\n")


async def _create(service: RunningService, *options: str) -> Any:
    return json.loads(await _read_output(service, "create", unique_name(), "--json", *options))


async def _logs_in(uri: str) -> bool:
    try:
        session = await asyncpg.connect(uri)
    except asyncpg.PostgresError:
        return False
    await session.close()
    return True


def _check_explained(refused: CommandResult, status: int, text: str) -> None:
    assert (refused.status, refused.stdout) == (status, "")
    assert refused.stderr.startswith("pgvend: ")
    assert text in refused.stderr
    assert "Traceback" not in refused.stderr
