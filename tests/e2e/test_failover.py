"""A standby is promoted under load, and the service continues with it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import find_program, run_program
from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.registries import run_sql
from tests.support.service import RunningService, running_service
from tests.support.service_client import create_database, send_request
from tests.support.standby import ReplicatedPair, running_replicated_pair

WORKERS = 3
RECORDS = "records"
SECRET = "a secret that both servers know " * 2


@dataclass
class Load:
    """Callers that retry a request with its idempotency key until it succeeds."""

    service: RunningService
    databases: list[Any] = field(default_factory=list)
    failures: list[Any] = field(default_factory=list)
    is_over: bool = False

    async def run(self) -> None:
        while not self.is_over:
            await self._create(unique_name())

    async def _create(self, nickname: str) -> None:
        while True:
            status, answer = await send_request(
                self.service,
                "POST",
                "/v1/databases",
                {"nickname": nickname},
                Idempotency_Key=nickname.replace(" ", "-"),
            )
            if status == 201:
                self.databases.append(answer)
                return
            self.failures.append(answer)

    async def wait_for(self, more: int) -> None:
        """Wait until that many more databases are created."""
        wanted = len(self.databases) + more

        async def are_created() -> bool:
            return len(self.databases) >= wanted

        await wait_until(are_created)


@pytest.fixture
async def pair() -> AsyncIterator[ReplicatedPair]:
    async with running_replicated_pair() as pair:
        await run_sql(pair.primary.superuser_dsn, f"CREATE DATABASE {RECORDS} OWNER admin")
        yield pair


async def test_creations_fail_briefly_and_none_is_lost(
    pair: ReplicatedPair, tmp_path: Path
) -> None:
    settings = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": pair.dsn(),
        "PGVEND_REGISTRY_URL": pair.dsn(RECORDS),
        "PGVEND_SECRET": SECRET,
    }
    async with running_service(tmp_path, **settings) as service:
        load = Load(service)
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(load.run())
            await load.wait_for(3)
            await pair.fail_over()
            await load.wait_for(2 * WORKERS)
            load.is_over = True

        assert [each for each in load.failures if not each["retryable"]] == []
        for each in [*load.databases, await create_database(service)]:
            await _check_connection(pair, each)
        assert await service.stop() == 0


async def _check_connection(pair: ReplicatedPair, database: Any) -> None:
    """Log in by the URI that names both servers, of which one is down."""
    connection = database["connection"]
    ports = [each["port"] for each in connection["hosts"]]
    assert ports == [pair.primary.port, pair.standby.port]
    asked = await run_program(
        find_program("psql"), connection["uri"], "-Atc", "SELECT pg_is_in_recovery()"
    )
    assert (asked.status, asked.stdout) == (0, "f\n"), asked.stderr
