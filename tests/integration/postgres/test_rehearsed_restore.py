"""Rehearsals of the runbooks: records and secret, or a server, of an earlier moment, and then a
reconciliation."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import SecretUnknown
from domain.lifecycle import State
from domain.reconciliation import ReconcileAction
from ports.driven.login_check import PasswordRefused
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.reconcile import ReconcileResult
from tests.support.memory_service import HOUR, MemoryService
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import unique_name
from tests.support.restored_registry import RestoredService
from tests.support.servers import ram_folder

CHECK = PostgresLoginCheck()


@pytest.fixture
async def service(postgres_18: PostgresUnderTest) -> AsyncIterator[RestoredService]:
    with ram_folder() as folder:
        service = RestoredService(postgres_18, folder)
        yield service
        await service.close()


async def create(memory: MemoryService) -> tuple[str, Connection]:
    request = CreateRequest(nickname=unique_name())
    created = await memory.create_database(login_check=CHECK)(request)
    return created.database.id, created.connection


async def request_creation(memory: MemoryService) -> str:
    """Request a creation, and let the service end before it calls the server."""
    request = CreateRequest(nickname=unique_name())
    return (await memory.create_database().request(request)).id


async def test_a_restored_backup_and_a_reconciliation_lose_no_database(
    service: RestoredService,
) -> None:
    (kept, connection), (rotated, first), (deleted, gone) = [
        await service.run(create) for _ in "123"
    ]
    unfinished = await service.run(request_creation)
    service.back_up()
    younger, last = await service.run(create, after=HOUR)
    second = await service.run(partial(rotate, database_id=rotated))
    await service.run(lambda memory: memory.delete(deleted))
    service.restore()

    planned = await service.run(plan, after=3 * HOUR)
    assert planned == await service.run(reconcile, after=3 * HOUR)
    assert planned == {
        unfinished: ReconcileAction.FINISH,
        younger: ReconcileAction.IMPORT,
        deleted: ReconcileAction.MARK_MISSING,
    }
    assert await service.run(plan, after=3 * HOUR) == {}

    assert await service.run(find_states) == {
        kept: State.READY,
        rotated: State.READY,
        younger: State.READY,
        deleted: State.DELETED,
        unfinished: State.READY,
    }
    await assert_login(connection, works=True)
    await assert_login(gone, works=False)
    await assert_login(second, works=True)
    for database, old in ((rotated, second), (younger, last)):
        new = await service.run(partial(rotate, database_id=database))
        await assert_login(new, works=True)
        await assert_login(old, works=False)
    await assert_login(first, works=False)


async def test_the_wrong_secret_is_reported_and_changes_nothing(service: RestoredService) -> None:
    database, connection = await service.run(create)
    service.back_up()
    (service.backup / "secret").write_text("another secret that is long enough")
    service.restore()

    assert await service.run(plan, after=3 * HOUR) == {}
    with pytest.raises(SecretUnknown):
        await service.run(lambda memory: memory.show_connection()(database))
    await assert_login(connection, works=True)
    await assert_login(await service.run(partial(rotate, database_id=database)), works=True)


async def test_a_server_of_an_earlier_moment_is_brought_in_line_with_the_records(
    service: RestoredService,
) -> None:
    (kept, connection), (deleted, _), (younger, lost) = [
        await service.run(create, after=hours * HOUR) for hours in range(3)
    ]
    await service.run(lambda memory: memory.delete(deleted), after=2 * HOUR)
    await service.run(partial(provision_again, database_id=deleted))
    await drop(service.postgres, lost)

    assert await service.run(reconcile, after=5 * HOUR) == {
        deleted: ReconcileAction.DELETE_LEFTOVER,
        younger: ReconcileAction.MARK_MISSING,
    }
    assert await service.run(plan, after=5 * HOUR) == {}
    assert await service.run(find_states) == {
        kept: State.READY,
        deleted: State.DELETED,
        younger: State.DELETED,
    }
    await assert_login(connection, works=True)


async def provision_again(memory: MemoryService, database_id: str) -> None:
    """Provision a deleted database without a record of it, as a backup of the server has it."""
    record = await memory.registry.get(database_id)
    await memory.provider.provision(record.to_provision_request(memory.passwords))


async def drop(postgres: PostgresUnderTest, lost: Connection) -> None:
    """Drop a database and its owner, which are younger than the backup of the server."""
    await postgres.sql(f"DROP DATABASE {lost.database}")
    await postgres.sql(f"DROP ROLE {lost.user}")


async def rotate(memory: MemoryService, database_id: str) -> Connection:
    return (await memory.rotate()(database_id)).connection


async def plan(memory: MemoryService) -> Mapping[str, ReconcileAction]:
    return summarize(await memory.reconcile(login_check=CHECK)(dry_run=True))


async def reconcile(memory: MemoryService) -> Mapping[str, ReconcileAction]:
    return summarize(await memory.reconcile(login_check=CHECK)())


def summarize(results: list[ReconcileResult]) -> dict[str, Any]:
    return {result.id: result.action for result in results}


async def find_states(memory: MemoryService) -> dict[str, State]:
    return {record.id: record.state for record in await memory.records()}


async def assert_login(connection: Connection, *, works: bool) -> None:
    """Check that a login with the connection works, or is refused."""
    if works:
        await CHECK.verify(connection)
        return
    with pytest.raises(PasswordRefused):
        await CHECK.verify(connection)
