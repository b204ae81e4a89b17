"""After its registry was restored from a backup, pgvend issues no password that was revoked
since."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.registry.stores import open_sqlite_stores
from adapters.system.leases import InProcessLeases
from adapters.system.randomness import SystemRandomness
from domain.connection import Connection
from ports.driven.login_check import PasswordRefused
from ports.use_cases.create_request import CreateRequest
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import unique_name
from tests.support.registries import registry_file
from tests.support.servers import ram_folder

CHECK = PostgresLoginCheck()

Action = Callable[[MemoryService], Awaitable[Connection]]


@dataclass
class Service:
    """A service with a registry in a file, over a real server."""

    postgres: PostgresUnderTest
    folder: Path

    async def run(self, action: Action, *, later: bool = False) -> Connection:
        async with self._running() as memory:
            memory.clock.moment += HOUR if later else 0 * HOUR
            return await action(memory)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[MemoryService]:
        async with open_sqlite_stores(registry_file(self.folder), InProcessLeases()) as opened:
            randomness = cast("Any", SystemRandomness())
            memory = MemoryService(registry=opened.registry, randomness=randomness)
            memory.provider = cast("Any", self.postgres.provider)
            yield memory

    def back_up(self) -> None:
        shutil.copy(registry_file(self.folder), self.folder / "backup")

    def restore_backup(self) -> None:
        shutil.copy(self.folder / "backup", registry_file(self.folder))

    async def close(self) -> None:
        async with self._running() as memory:
            for record in await memory.records():
                await self.postgres.provider.delete(record.tenant)


@pytest.fixture
async def service(postgres: PostgresUnderTest) -> AsyncIterator[Service]:
    with ram_folder() as folder:
        service = Service(postgres, folder)
        yield service
        await service.close()


async def create(memory: MemoryService) -> Connection:
    request = CreateRequest(nickname=unique_name(), ttl=HOUR)
    return (await memory.create_database(login_check=CHECK)(request)).connection


async def rotate(memory: MemoryService) -> Connection:
    return (await memory.rotate()((await memory.only_record()).id)).connection


async def expire_and_restore(memory: MemoryService) -> Connection:
    record = await memory.only_record()
    await memory.expire(GRACE).finish(record.id)
    return (await memory.restore(CHECK)(record.id)).connection


async def request_creation(memory: MemoryService) -> None:
    await memory.create_database().request(CreateRequest(nickname=unique_name(), ttl=HOUR))


async def finish(memory: MemoryService) -> Connection:
    """Complete a creation that the records show as started."""
    record = await memory.only_record()
    assert await memory.create_database(login_check=CHECK).finish(record.id)
    provision_request = (await memory.only_record()).to_provision_request(memory.passwords)
    return await memory.provider.reveal(provision_request)


@pytest.mark.parametrize("action", [rotate, expire_and_restore])
async def test_no_revoked_password_works_after_a_restored_backup(
    service: Service, action: Action
) -> None:
    first = await service.run(create)
    service.back_up()
    leaked, last = [await service.run(rotate) for _ in range(2)]
    service.restore_backup()

    new = await service.run(action, later=action is expire_and_restore)

    await assert_only(new, revoked=[first, leaked])
    assert new.password != last.password


async def test_no_revoked_password_works_after_a_completed_creation(service: Service) -> None:
    await service.run(cast("Action", request_creation))
    service.back_up()
    first, leaked, _ = [await service.run(action) for action in (finish, rotate, rotate)]
    service.restore_backup()

    await assert_only(await service.run(finish), revoked=[first, leaked])


async def test_a_password_that_was_not_revoked_works_again(service: Service) -> None:
    first = await service.run(create)
    assert await service.run(expire_and_restore, later=True) == first
    await CHECK.verify(first)


async def assert_only(new: Connection, revoked: list[Connection]) -> None:
    await CHECK.verify(new)
    for connection in revoked:
        with pytest.raises(PasswordRefused):
            await CHECK.verify(connection)
