"""The command line against a real service; how it finds the service and its key."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.support.command_line import PGVEND, Ran, pgvend, program, ran, run_command
from tests.support.fake_service import CONNECTION, RECORD, fake_service
from tests.support.keyed_clients import ADMIN_KEY, guarded_app
from tests.support.polling import until
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.service import RunningService
from tests.support.service_client import created, login_of


async def test_a_database_is_managed_by_the_command_line(service: RunningService) -> None:
    run = uuid4().hex
    made = await _created(service, "--label", f"run={run}", "--ttl", "1h")
    first = made["connection"]["uri"]
    assert await _logs_in(first)
    assert await _told(service, "connection", made["id"]) == first

    listed = await _told(service, "list", "--label", f"run={run}")
    shown = await _told(service, "show", made["id"])
    assert made["nickname"] in listed
    assert made["nickname"] in shown
    assert made["connection"]["password"] not in listed + shown

    extended = json.loads(await _told(service, "extend", made["id"], "48h", "--json"))
    assert extended["expires_at"] > made["expires_at"]
    rotated = await _told(service, "rotate", made["id"])
    assert [await _logs_in(rotated), await _logs_in(first)] == [True, False]

    _explained(await _asked(service, "restore", made["id"]), "(request ")
    assert made["id"] in await _told(service, "delete", made["id"])
    _explained(await _asked(service, "connection", made["id"]), "(request ")
    await until(partial(_is_shut, rotated))


async def test_psql_accepts_the_uri_that_create_prints(service: RunningService) -> None:
    made = await pgvend("create", unique_name(), PGVEND_URL=service.url)
    refused = await pgvend("create", "!?", PGVEND_URL=service.url)
    assert (made.status, made.stderr) == (0, "")
    uri = made.stdout.removesuffix("\n")
    assert (await ran(program("psql"), uri, "--command", "SELECT 1")).status == 0
    _explained(refused, "needs a letter or a digit")


async def test_a_shell_evaluates_the_printed_environment(service: RunningService) -> None:
    create = f'set -a; eval "$({" ".join(PGVEND)} create "$0" --env)"; '
    ask = f"{program('psql')} --no-password --tuples-only --command 'SELECT current_database()'"
    url = 'test "$DATABASE_URL" && psql "$DATABASE_URL" --command "SELECT 1" >/dev/null'

    shell = await ran(
        "sh", "-ec", f"{create} {url}; {ask}", unique_name("Env"), PGVEND_URL=service.url
    )

    assert shell.status == 0, shell.stderr
    assert shell.stdout.strip().startswith("env")


REFUSED = {
    "create n --ttl soon": "'soon' is not a duration",
    "create n --label =x": "label ''",
    "create n --extension no_such": "no_such",
    **{
        f"{command} db_nothing": "There is no database 'db_nothing'"
        for command in ("show", "connection", "rotate", "delete", "restore")
    },
}


@pytest.mark.parametrize("command", REFUSED)
async def test_errors_of_the_service_are_printed(service: RunningService, command: str) -> None:
    _explained(await _asked(service, *command.split()), REFUSED[command])


async def test_keys_are_created_used_and_revoked() -> None:
    with capture_logs():
        async with guarded_app() as guarded:
            url = f"http://127.0.0.1:{guarded.app.port}"
            admin = {"PGVEND_URL": url, "PGVEND_KEY": ADMIN_KEY}
            made = await run_command("keys", "create", "web", **admin)
            web = {"PGVEND_URL": url, "PGVEND_KEY": made.stdout.strip()}
            created_database = await run_command("create", "Sales", **web)
            forbidden = await run_command("keys", "list", **web)
            await run_command("keys", "revoke", made.stdout[:12], **admin)
            refused = await run_command("list", **web)
            trail = await run_command("audit", "--caller", "web", **admin)
            keyless = await run_command("list", PGVEND_URL=url)

    assert created_database.stdout.startswith("postgresql://"), created_database.stderr
    _explained(forbidden, "lacks the scope admin")
    _explained(refused, "was revoked")
    assert [line.split()[3] for line in trail.stdout.splitlines()[1:]] == ["createDatabase"]
    _explained(keyless, "PGVEND_KEY")


async def test_a_dotenv_file_sets_the_url_and_the_key(tmp_path: Path) -> None:
    async with fake_service(RECORD) as service:
        (tmp_path / ".env").write_text(f"PGVEND_URL={service.url}\nPGVEND_KEY=k\n")
        shown = await ran("env", "-C", str(tmp_path), *PGVEND, "show", "db_1")
    assert shown.status == 0, shown.stderr
    assert service.headers[0]["Authorization"] == "Bearer k"


async def test_a_rotation_ends_sessions_only_on_request(service: RunningService) -> None:
    database = await created(service)
    session = await asyncpg.connect(database["connection"]["uri"])

    kept = await run_command("rotate", database["id"], PGVEND_URL=service.url)
    assert (kept.status, kept.stderr) == (0, "")
    assert await session.fetchval("SELECT 1") == 1

    ended = await run_command("rotate", database["id"], "--end-sessions", PGVEND_URL=service.url)
    assert (ended.status, "sessions were ended" in ended.stderr) == (0, True)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("SELECT 1")


@pytest.fixture
async def changed(service: RunningService) -> Any:
    """A database whose owner changed the password."""
    made = await created(service)
    async with session(login_of(made)) as owner:
        await owner.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    return made


async def test_commands_refuse_a_changed_password_until_it_is_rotated(
    service: RunningService, changed: Any
) -> None:
    for command in ("connection", "url", "psql"):
        refused = await run_command(command, changed["id"], PGVEND_URL=service.url)
        assert (refused.status, refused.stdout) == (1, "")
        assert "rotate" in refused.stderr
    unverified = await run_command("url", changed["id"], "--no-verify", PGVEND_URL=service.url)
    assert unverified.stdout.strip() == changed["connection"]["uri"]

    rotated = await run_command("rotate", changed["id"], PGVEND_URL=service.url)
    shown = await run_command("url", changed["id"], PGVEND_URL=service.url)
    assert (shown.status, shown.stderr, shown.stdout) == (0, "", rotated.stdout)


async def test_commands_warn_about_an_unverified_connection() -> None:
    answer = CONNECTION | {"verified": False}
    async with fake_service(answer, answer) as fake:
        for command in ("connection", "url"):
            ran = await fake.pgvend(command, "db_1")
            assert (ran.status, ran.stdout) == (0, f"{CONNECTION['uri']}\n")
            assert "warning" in ran.stderr
    assert [path for _, path, _ in fake.asked] == ["/v1/databases/db_1/connection?verify=true"] * 2


async def _asked(service: RunningService, *command: str) -> Ran:
    return await run_command(*command, PGVEND_URL=service.url)


async def _told(service: RunningService, *command: str) -> str:
    ended = await _asked(service, *command)
    assert ended.status == 0, ended.stderr
    return ended.stdout.removesuffix("\n")


async def _created(service: RunningService, *options: str) -> Any:
    return json.loads(await _told(service, "create", unique_name(), "--json", *options))


async def _logs_in(uri: str) -> bool:
    try:
        session = await asyncpg.connect(uri)
    except asyncpg.PostgresError:
        return False
    await session.close()
    return True


async def _is_shut(uri: str) -> bool:
    return not await _logs_in(uri)


def _explained(refused: Ran, text: str) -> None:
    assert (refused.status, refused.stdout) == (1, "")
    assert refused.stderr.startswith("pgvend: ")
    assert text in refused.stderr
    assert "Traceback" not in refused.stderr
