"""One tenant attacks continuously while others create, use and delete databases. No caller waits
long, and only the attacker's sessions are ended."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
import asyncpg

from domain.connection import Connection
from domain.secrets import Secret
from tests.support.obstacles import REFUSALS, repeat_in_background
from tests.support.polling import wait_until
from tests.support.postgres_under_test import tenant_session
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service

CLIENTS, LIFETIMES = 3, 2

LONGEST = 30.0
"""Maximum seconds for any step on a busy machine. The test prints the actual times."""

HOLD = (
    "BEGIN; SELECT count(*) FROM pg_roles, pg_auth_members; PREPARE of_b AS DELETE FROM pg_authid"
)
QUEUES = (
    "CREATE RULE of_b AS ON INSERT TO pg_catalog.pg_authid DO NOTHING",
    "CREATE RULE of_b AS ON INSERT TO pg_catalog.pg_database DO NOTHING",
    "DROP DATABASE postgres",
)
TOUCH = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT datname FROM pg_database LOOP
        EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET work_mem = ''8MB''', name);
    END LOOP;
END $$
"""

Attack = Callable[[asyncpg.Connection], Awaitable[object]]


@dataclass
class Times:
    """The longest time and the count of each kind of step."""

    longest: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        self.longest[what] = max(took, self.longest.get(what, 0.0))
        self.counts[what] = self.counts.get(what, 0) + 1

    def lines(self) -> list[str]:
        return [
            f"{what}: {self.counts[what]} times, the longest {took:.1f} s"
            for what, took in sorted(self.longest.items())
        ]


async def queue(session: asyncpg.Connection) -> None:
    for statement in QUEUES:
        with suppress(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def hold(session: asyncpg.Connection) -> None:
    await session.execute("ALTER ROLE CURRENT_USER SET work_mem = '8MB'")
    await session.execute(HOLD)
    await session.execute("SELECT pg_sleep(3)")


async def touch(session: asyncpg.Connection) -> None:
    await session.execute("BEGIN")
    await session.execute(TOUCH)
    await session.execute("SELECT pg_sleep(30)")


@asynccontextmanager
async def attacking(attacker: Connection) -> AsyncIterator[None]:
    """Attack until the context exits. An attack whose session ends starts again at once."""

    async def attack(by: Attack) -> None:
        with suppress(*REFUSALS):
            async with tenant_session(attacker) as session:
                await by(session)

    attacks = (queue, queue, queue, hold, hold, touch)
    async with repeat_in_background([partial(attack, by) for by in attacks]):
        yield


async def create_database(http: aiohttp.ClientSession, nickname: str) -> tuple[str, Connection]:
    async with http.post("/v1/databases", json={"nickname": nickname}) as answer:
        body = await answer.json()
        assert answer.status == 201, body
    connection = body["connection"]
    names = {name: connection[name] for name in ("host", "port", "database", "user")}
    return body["id"], Connection(**names, password=Secret(connection["password"]))


async def delete_database(http: aiohttp.ClientSession, database_id: str) -> None:
    """Delete the database, and return when it is deleted."""
    async with http.delete(f"/v1/databases/{database_id}") as answer:
        assert answer.status == 202, await answer.text()

    async def is_gone() -> bool:
        return bool((await _record(http, database_id))["state"] == "deleted")

    await wait_until(is_gone, LONGEST)


async def _record(http: aiohttp.ClientSession, database_id: str) -> Any:
    async with http.get(f"/v1/databases/{database_id}") as answer:
        return await answer.json()


async def run_client(http: aiohttp.ClientSession, times: Times, name: str) -> None:
    for number in range(LIFETIMES):
        with times("a creation"):
            database_id, connection = await create_database(http, f"{name} {number}")
        for _ in range(3):
            with times("a login and a change"):
                async with tenant_session(connection, timeout=LONGEST) as session:
                    await session.execute("CREATE TABLE IF NOT EXISTS work (id int)")
        with times("a deletion"):
            await delete_database(http, database_id)


def find_ended_sessions(service: RunningService) -> set[str]:
    """Return the ids of the databases whose sessions the guard ended, from the log."""
    lines = (line for line in service.output().splitlines() if line.startswith("{"))
    events = (json.loads(line) for line in lines)
    return {each["id"] for each in events if each["event"].startswith("guard.ended")}


async def test_other_tenants_keep_working_while_one_attacks() -> None:
    times = Times()
    with ram_folder() as folder:
        async with (
            running_service(folder, PGVEND_RECONCILE_INTERVAL="1") as service,
            aiohttp.ClientSession(service.url) as http,
        ):
            attackers_id, attacker = await create_database(http, "attacker")
            _, innocent = await create_database(http, "innocent")
            async with tenant_session(innocent) as working, tenant_session(innocent) as idle:
                await idle.execute("SELECT 42")
                await working.execute("BEGIN; CREATE TABLE work (id int); SELECT * FROM pg_roles")
                async with attacking(attacker):
                    async with asyncio.TaskGroup() as others:
                        for number in range(CLIENTS):
                            others.create_task(run_client(http, times, f"client {number}"))
                    with times("the attacker's deletion"):
                        await delete_database(http, attackers_id)
                await working.execute("INSERT INTO work VALUES (1); COMMIT")
                assert await idle.fetchval("SELECT 42") == 42
            async with http.get("/readyz") as answer:
                guard = (await answer.json())["guard"]
            await service.stop()
            victims = find_ended_sessions(service)
    print("", *times.lines(), f"ended: {guard['ended_sessions']}", sep="\n  ")  # noqa: T201 - the figures
    assert victims == {attackers_id}
    assert guard["ended_sessions"] > 0
    assert max(times.longest.values()) < LONGEST
