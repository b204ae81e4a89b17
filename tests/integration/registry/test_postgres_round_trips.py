"""The statements that a registry on a PostgreSQL server sends: each costs a round trip."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from adapters.registry import postgres
from adapters.registry.executor import Executor
from adapters.registry.registry import SqlRegistry
from ports.driven.registry import Query
from tests.integration.registry.test_postgres_failures import END_OTHER_SESSIONS
from tests.support.key_records import new_entry
from tests.support.records import new_record
from tests.support.registries import empty_database, run_sql
from tests.support.servers import OperatorsServer


class Sent(list[str]):
    """The first words of the statements that the sessions of an engine send."""

    def record_statement(self, *arguments: Any) -> None:
        self.append(arguments[2].split()[0])

    def record_session(self, session: Any, _: object) -> None:
        """Record what the session sends without SQLAlchemy's cursors."""
        session.driver_connection.add_query_logger(lambda logged: self.append(logged.query))

    def take(self) -> list[str]:
        """Return the statements since the last call, in the order of their texts: the driver
        reports its own later than SQLAlchemy does."""
        taken = sorted(self)
        self.clear()
        return taken


@pytest.fixture
async def url(server_18: OperatorsServer) -> AsyncIterator[str]:
    async with empty_database(server_18) as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = postgres.create_registry_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
def sent(engine: AsyncEngine) -> Sent:
    sent = Sent()
    event.listen(engine.sync_engine, "before_cursor_execute", sent.record_statement)
    event.listen(engine.sync_engine, "connect", sent.record_session)
    return sent


@pytest.fixture
async def registry(engine: AsyncEngine, sent: Sent) -> SqlRegistry:
    registry = SqlRegistry(Executor(engine, engine))
    await registry.ping()
    sent.clear()
    return registry


async def test_each_call_sends_one_statement(registry: SqlRegistry, sent: Sent) -> None:
    record = await registry.add(new_record(), event=new_entry())
    assert sent.take() == ["WITH"]
    record = await registry.update(record, event=new_entry())
    assert sent.take() == ["WITH"]
    record = await registry.update(record)
    assert sent.take() == ["UPDATE"]
    await registry.get(record.id)
    await registry.search(Query())
    assert sent.take() == ["SELECT", "SELECT"]


async def test_a_quota_takes_a_transaction_with_a_lock(registry: SqlRegistry, sent: Sent) -> None:
    await registry.add(new_record(), quota=1, event=new_entry())

    begin = "BEGIN ISOLATION LEVEL READ COMMITTED;"
    assert sent.take() == [begin, "COMMIT;", "SELECT", "WITH"]


async def test_a_session_that_was_idle_is_asked_first(
    registry: SqlRegistry, engine: AsyncEngine, sent: Sent
) -> None:
    def let_time_pass(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] -= 2 * postgres.TRUSTED_TIME

    event.listen(engine.sync_engine, "checkin", let_time_pass)
    await registry.ping()
    assert sent.take() == ["UPDATE"]

    await registry.ping()
    assert sent.take() == [";", "UPDATE"]


async def test_a_session_that_ended_is_replaced_without_a_question(
    registry: SqlRegistry, url: str, sent: Sent
) -> None:
    await run_sql(url, END_OTHER_SESSIONS)

    await registry.ping()

    assert sent.take() == ["UPDATE"]
