"""The audit trail is not changed by other programs either: the database itself refuses."""

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.audit import SqlAuditTrail
from adapters.registry.migrating import migrate
from adapters.registry.store import Store
from domain.audit import AuditEntry
from ports.driven.audit import AuditQuery, AuditTrail
from tests.support.key_records import new_entry

CHANGES = [
    "UPDATE audit SET caller = 'somebody else'",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE caller = 'ann'",
]
OF_SQLITE = ["INSERT OR REPLACE INTO audit SELECT * FROM audit"]
OF_POSTGRES = [
    "TRUNCATE audit",
    "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET caller = 'x'",
]


@pytest.fixture
async def kept(engine: AsyncEngine) -> AuditEntry:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    entry = new_entry()
    await _trail(engine).append(entry)
    return entry


@pytest.mark.parametrize("statement", CHANGES)
async def test_what_is_in_the_trail_stays(
    engine: AsyncEngine, kept: AuditEntry, statement: str
) -> None:
    await _refused(engine, statement)

    assert await _trail(engine).read(AuditQuery()) == [kept]


@pytest.mark.parametrize("statement", OF_POSTGRES)
@pytest.mark.parametrize("server", ["server_15", "server_18"], indirect=True)
async def test_what_is_in_the_trail_stays_on_a_server(
    engine: AsyncEngine, kept: AuditEntry, statement: str
) -> None:
    await _refused(engine, statement)

    assert await _trail(engine).read(AuditQuery()) == [kept]


@pytest.mark.parametrize("statement", OF_SQLITE)
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_what_is_in_the_trail_stays_in_a_file(
    engine: AsyncEngine, kept: AuditEntry, statement: str
) -> None:
    await _refused(engine, statement)

    assert await _trail(engine).read(AuditQuery()) == [kept]


async def _refused(engine: AsyncEngine, statement: str) -> None:
    with pytest.raises(DBAPIError, match="the audit trail only grows"):
        async with engine.begin() as connection:
            await connection.exec_driver_sql(statement)


def _trail(engine: AsyncEngine) -> AuditTrail:
    return SqlAuditTrail(Store(engine, engine))
