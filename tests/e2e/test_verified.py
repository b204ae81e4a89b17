"""`/connection?verify=true`, and the commands that ask for it."""

from typing import Any

import pytest

from entrypoints.formats import FORMATS
from tests.support.apps import RunningApp
from tests.support.command_line import run_command
from tests.support.fake_service import CONNECTION, fake_service
from tests.support.places import session
from tests.support.service import RunningService
from tests.support.serviced import created, login_of

HEADER = "Pgvend-Verified"
COMMANDS = ("connection", "url", "psql")


@pytest.fixture
async def made(app: RunningApp) -> Any:
    return await app.vend()


@pytest.fixture
async def changed(service: RunningService) -> Any:
    """A database whose owner set another password."""
    made = await created(service)
    async with session(login_of(made)) as owner:
        await owner.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    return made


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_says_whether_it_works(app: RunningApp, made: Any, name: str) -> None:
    path = f"/v1/databases/{made['id']}/connection?format={name}"
    async with app.client.get(path) as plain, app.client.get(f"{path}&verify=true") as verified:
        assert (plain.status, plain.headers.get(HEADER)) == (200, None)
        assert (verified.status, verified.headers[HEADER]) == (200, "true")
        text = await verified.text()
        assert text.replace(',"verified":true', "") == await plain.text()
        assert (text == await plain.text()) == (name != "json")


async def test_without_login_checks_nothing_is_verified(app: RunningApp, made: Any) -> None:
    async with app.replica(verify_login=False) as replica:
        answer = await replica.ask("GET", f"/v1/databases/{made['id']}/connection?verify=true")
    assert (answer.status, answer.body["verified"], answer.headers[HEADER]) == (200, False, "false")


async def test_the_commands_refuse_a_password_that_the_owner_changed_until_it_is_rotated(
    service: RunningService, changed: Any
) -> None:
    for command in COMMANDS:
        refused = await run_command(command, changed["id"], PGVEND_URL=service.url)
        assert (refused.status, refused.stdout) == (1, "")
        assert "rotate" in refused.stderr
    unverified = await run_command("url", changed["id"], "--no-verify", PGVEND_URL=service.url)
    assert unverified.stdout.strip() == changed["connection"]["uri"]

    rotated = await run_command("rotate", changed["id"], PGVEND_URL=service.url)
    shown = await run_command("url", changed["id"], PGVEND_URL=service.url)
    assert (shown.status, shown.stderr, shown.stdout) == (0, "", rotated.stdout)


async def test_the_commands_warn_of_a_connection_that_was_not_verified() -> None:
    answer = CONNECTION | {"verified": False}
    async with fake_service(answer, answer) as fake:
        for command in ("connection", "url"):
            ran = await fake.pgvend(command, "db_1")
            assert (ran.status, ran.stdout) == (0, f"{CONNECTION['uri']}\n")
            assert "warning" in ran.stderr
    assert [path for _, path, _ in fake.asked] == ["/v1/databases/db_1/connection?verify=true"] * 2
