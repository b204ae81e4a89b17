"""After its registry was restored from a backup, pgvend issues no password that was revoked
since."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from ports.driven.login_check import PasswordRefused
from ports.use_cases.create_request import CreateRequest
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import unique_name
from tests.support.restored_registry import NOW, RestoredService
from tests.support.servers import ram_folder

CHECK = PostgresLoginCheck()

Action = Callable[[MemoryService], Awaitable[Connection]]


@pytest.fixture
async def service(postgres: PostgresUnderTest) -> AsyncIterator[RestoredService]:
    with ram_folder() as folder:
        service = RestoredService(postgres, folder)
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
    service: RestoredService, action: Action
) -> None:
    first = await service.run(create)
    service.back_up()
    leaked, last = [await service.run(rotate) for _ in range(2)]
    service.restore()

    new = await service.run(action, after=HOUR if action is expire_and_restore else NOW)

    await assert_only(new, revoked=[first, leaked])
    assert new.password != last.password


async def test_no_revoked_password_works_after_a_completed_creation(
    service: RestoredService,
) -> None:
    await service.run(cast("Action", request_creation))
    service.back_up()
    first, leaked, _ = [await service.run(action) for action in (finish, rotate, rotate)]
    service.restore()

    await assert_only(await service.run(finish), revoked=[first, leaked])


async def test_a_password_that_was_not_revoked_works_again(service: RestoredService) -> None:
    first = await service.run(create)
    assert await service.run(expire_and_restore, after=HOUR) == first
    await CHECK.verify(first)


async def assert_only(new: Connection, revoked: list[Connection]) -> None:
    await CHECK.verify(new)
    for connection in revoked:
        with pytest.raises(PasswordRefused):
            await CHECK.verify(connection)
