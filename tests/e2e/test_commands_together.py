"""The life of a database by the command line, against a real service."""

import json
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.support.command_line import Ran, pgvend
from tests.support.orders import unique_name
from tests.support.polling import until
from tests.support.service import RunningService


async def told(service: RunningService, *command: str) -> str:
    ran = await asked(service, *command)
    assert ran.status == 0, ran.stderr
    return ran.stdout.removesuffix("\n")


async def asked(service: RunningService, *command: str) -> Ran:
    return await pgvend(*command, PGVEND_URL=service.url)


async def created(service: RunningService, *options: str) -> Any:
    return json.loads(await told(service, "create", unique_name(), "--json", *options))


async def logs_in(uri: str) -> bool:
    try:
        session = await asyncpg.connect(uri)
    except asyncpg.PostgresError:
        return False
    await session.close()
    return True


async def is_shut(uri: str) -> bool:
    return not await logs_in(uri)


async def test_a_database_is_listed_and_shown_without_its_secrets(service: RunningService) -> None:
    made = await created(service, "--label", "run=listed")

    listed = await told(service, "list", "--label", "run=listed")
    shown = await told(service, "show", made["id"])

    assert made["nickname"] in listed
    assert made["nickname"] in shown
    assert made["connection"]["password"] not in listed + shown


async def test_the_connection_can_be_had_again(service: RunningService) -> None:
    made = await created(service)

    assert await told(service, "connection", made["id"]) == made["connection"]["uri"]
    again = json.loads(await told(service, "connection", made["id"], "--json"))
    assert again == made["connection"]


async def test_after_a_rotation_the_old_password_has_ended(service: RunningService) -> None:
    made = await created(service)

    rotated = await told(service, "rotate", made["id"])

    assert await logs_in(rotated)
    assert await is_shut(made["connection"]["uri"])


async def test_a_databases_end_can_be_moved(service: RunningService) -> None:
    made = await created(service, "--ttl", "1h")

    extended = json.loads(await told(service, "extend", made["id"], "48h", "--json"))

    assert extended["expires_at"] > made["expires_at"]


async def test_a_deleted_database_is_gone(service: RunningService) -> None:
    made = await created(service)

    assert made["id"] in await told(service, "delete", made["id"])
    assert (await asked(service, "connection", made["id"])).status == 1
    await until(partial(is_shut, made["connection"]["uri"]))


async def test_a_database_that_has_not_expired_cannot_be_restored(service: RunningService) -> None:
    made = await created(service)

    refused = await asked(service, "restore", made["id"])

    assert (refused.status, refused.stdout) == (1, "")
    assert refused.stderr.startswith("pgvend: ")
    assert "(request " in refused.stderr


async def test_a_sweep_tells_what_it_found(service: RunningService) -> None:
    assert (await told(service, "sweep", "--dry-run")).startswith("ACTION  ")
    assert "findings" in json.loads(await told(service, "sweep", "--json"))


@pytest.mark.parametrize("command", ["show", "connection", "rotate", "delete", "restore"])
async def test_an_unknown_id_is_told(service: RunningService, command: str) -> None:
    refused = await asked(service, command, "db_nothing")

    assert (refused.status, refused.stdout) == (1, "")
    assert "There is no database 'db_nothing'" in refused.stderr
