"""A standby is promoted under load, and the service continues with it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import program, ran
from tests.support.polling import until
from tests.support.provision_requests import unique_name
from tests.support.registries import sql
from tests.support.service import RunningService, running_service
from tests.support.service_client import answered, created
from tests.support.standby import Pair, replicated

WORKERS = 3
RECORDS = "records"
SECRET = "a secret that both servers know " * 2


@dataclass
class Load:
    """Callers that retry a request with its idempotency key until it succeeds."""

    service: RunningService
    made: list[Any] = field(default_factory=list)
    failures: list[Any] = field(default_factory=list)
    is_over: bool = False

    async def work(self) -> None:
        while not self.is_over:
            await self._create(unique_name())

    async def _create(self, nickname: str) -> None:
        while True:
            status, answer = await answered(
                self.service,
                "POST",
                "/v1/databases",
                {"nickname": nickname},
                Idempotency_Key=nickname.replace(" ", "-"),
            )
            if status == 201:
                self.made.append(answer)
                return
            self.failures.append(answer)

    async def come_to(self, more: int) -> None:
        """Wait until that many more databases are created."""
        wanted = len(self.made) + more

        async def are_made() -> bool:
            return len(self.made) >= wanted

        await until(are_made)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with replicated() as pair:
        await sql(pair.primary.superuser_dsn, f"CREATE DATABASE {RECORDS} OWNER admin")
        yield pair


async def test_creations_fail_briefly_and_none_is_lost(pair: Pair, tmp_path: Path) -> None:
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
                group.create_task(load.work())
            await load.come_to(3)
            await pair.fail_over()
            await load.come_to(2 * WORKERS)
            load.is_over = True

        assert [each for each in load.failures if not each["retryable"]] == []
        for each in [*load.made, await created(service)]:
            await _works(pair, each)
        assert await service.stop() == 0


async def _works(pair: Pair, database: Any) -> None:
    """Log in by the URI that names both servers, of which one is down."""
    connection = database["connection"]
    ports = [each["port"] for each in connection["hosts"]]
    assert ports == [pair.primary.port, pair.standby.port]
    asked = await ran(program("psql"), connection["uri"], "-Atc", "SELECT pg_is_in_recovery()")
    assert (asked.status, asked.stdout) == (0, "f\n"), asked.stderr
