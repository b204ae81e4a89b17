"""`/rotate` and `pgvend rotate`: what becomes of open sessions, and which answer says so."""

from typing import Any

import asyncpg
import pytest

from tests.support.apps import RunningApp
from tests.support.command_line import run_command
from tests.support.service import RunningService
from tests.support.serviced import created


@pytest.mark.parametrize(
    ("body", "ended"),
    [(None, False), ({}, False), ({"end_sessions": False}, False), ({"end_sessions": True}, True)],
    ids=str,
)
async def test_an_answer_says_whether_sessions_end(app: RunningApp, body: Any, ended: bool) -> None:
    made = await app.vend()
    answer = await app.ask("POST", f"/v1/databases/{made['id']}/rotate", body)
    assert (answer.status, answer.body["sessions_ended"]) == (200, ended)
    assert app.accepts(answer.body["connection"])


async def test_the_command_ends_sessions_only_when_told_to(service: RunningService) -> None:
    database = await created(service)
    session = await asyncpg.connect(database["connection"]["uri"])

    kept = await run_command("rotate", database["id"], PGVEND_URL=service.url)
    assert (kept.status, kept.stderr) == (0, "")
    assert await session.fetchval("SELECT 1") == 1

    ended = await run_command("rotate", database["id"], "--end-sessions", PGVEND_URL=service.url)
    assert (ended.status, "sessions have ended" in ended.stderr) == (0, True)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("SELECT 1")
