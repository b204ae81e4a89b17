"""The indexes by which expiring databases and due deliveries are found."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.announcements import SqlAnnouncements
from adapters.registry.deliveries import SqlDeliveryQueue
from adapters.registry.executor import Executor
from tests.support.query_plans import explain_in_postgres, explain_in_sqlite, insert_records
from tests.support.registries import BEGIN


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_sqlite_finds_expiring_databases_and_due_deliveries_by_their_indexes(
    migrated_engine: AsyncEngine,
) -> None:
    calls = _list_webhook_calls(migrated_engine)
    plans = [await explain_in_sqlite(migrated_engine, call) for call in calls]

    assert "databases_wake_at (wake_at<?)" in plans[0]
    assert "SEARCH webhook_deliveries USING INDEX webhook_deliveries_due_at (due_at<?)" in plans[1]


@pytest.mark.parametrize("server", ["server_15", "server_18"], indirect=True)
async def test_postgresql_finds_expiring_databases_by_their_index(
    migrated_engine: AsyncEngine,
) -> None:
    await insert_records(migrated_engine)
    list_expiring, _ = _list_webhook_calls(migrated_engine)
    for plan in await explain_in_postgres(migrated_engine, list_expiring):
        assert "databases_wake_at" in plan


def _list_webhook_calls(engine: AsyncEngine) -> Sequence[Callable[[], Awaitable[object]]]:
    executor = Executor(engine, engine)
    announcements, queue = SqlAnnouncements(executor), SqlDeliveryQueue(executor)
    return (
        partial(announcements.list_expiring, BEGIN, BEGIN + timedelta(hours=1), 1000),
        partial(queue.claim, BEGIN, BEGIN, webhooks=10, per_webhook=4),
    )
