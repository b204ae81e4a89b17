"""The guard's session: it sees changes, holds nothing back, and is replaced after a loss."""

import asyncio
import gc
from typing import Any

import asyncpg
import pytest

from adapters.postgres.guard_session import GuardSession
from adapters.postgres.provider import PostgresProvider
from domain.errors import ProviderBusy, ProviderRejected
from domain.server_snapshot import Concern
from ports.use_cases.guard_server import GuardState
from tests.support.databases import provisioned_database
from tests.support.fault_injection import proxied_provider
from tests.support.guard_runs import (
    QUICK_POLICY,
    open_provider_guard,
    run_provider_guard,
    wait_for_guard_runs,
)
from tests.support.pgproxy import Fault, FaultKind
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    operators_under_test,
    tenant_session,
    without_rights,
)
from tests.support.provision_requests import new_provision_request
from tests.support.servers import OperatorsServer


async def test_the_guard_does_not_hold_back_vacuum(postgres: PostgresUnderTest) -> None:
    held = (
        "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity "
        "WHERE application_name = 'pgvend guard' AND state = 'idle in transaction'"
    )
    async with open_provider_guard(postgres.provider) as guard:
        for _ in range(3):
            await guard.inspect()
            assert await postgres.sql(held) == [True]


async def test_the_guard_sees_changes_within_its_long_transaction(
    postgres: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with open_provider_guard(postgres.provider) as guard:
        before = await guard.inspect()
        async with (
            provisioned_database(postgres.provider, provision_request) as connection,
            tenant_session(connection) as own,
        ):
            await own.execute("CREATE TABLE t (); CREATE TABLE u ()")
            after = await guard.inspect()
            [guarded] = after.sessions
            assert (guarded.tenant, guarded.pid) == (
                provision_request.tenant.id,
                own.get_server_pid(),
            )
            assert guarded.database == connection.database
        assert before.sessions == []
        assert after.next_id > before.next_id
        assert after.ages["template0"] > before.ages["template0"]


async def test_a_lost_session_is_replaced(postgres_18: PostgresUnderTest) -> None:
    end = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'pgvend guard'"
    )
    async with run_provider_guard(postgres_18.provider) as guard_run:
        assert await postgres_18.sql(end) == [True]
        await wait_for_guard_runs(guard_run)
        assert guard_run.server.status.state is GuardState.WATCHING
        assert await postgres_18.sql(end) == [True], "there is exactly one"


async def test_a_session_that_the_server_ends_before_the_query_leaves_no_future(
    bundled_18: PostgresProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncpg abandons the future of a COPY that begins after the server's last message."""
    fault = Fault(FaultKind.LAST, "SAVEPOINT")
    async with proxied_provider(bundled_18, fault) as proxied:
        session = GuardSession(proxied.provider.server.admin)
        with pytest.raises(ProviderBusy):
            await session.fetch("SELECT to_jsonb(42)")
        assert await session.fetch("SELECT to_jsonb(42)") == [42]
        await session.close()
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_missing_guard_privileges_are_reported_with_their_fix(
    server_15: OperatorsServer,
) -> None:
    rights = "pg_signal_backend, pg_read_all_stats"
    async with (
        operators_under_test(server_15) as postgres,
        provisioned_database(postgres.provider, new_provision_request()) as connection,
        without_rights(server_15, rights),
        tenant_session(connection) as own,
        open_provider_guard(postgres.provider) as guard,
    ):
        snapshot = await guard.inspect()
        assert list(QUICK_POLICY.find_concerns(snapshot)) == [
            Concern.CANNOT_END,
            Concern.CANNOT_SEE,
        ]
        [guarded] = snapshot.sessions
        with pytest.raises(ProviderRejected, match=f'GRANT {rights} TO "admin";'):
            await guard.end(guarded)
        assert await own.fetchval("SELECT 42") == 42


async def test_a_cancelled_login_leaves_no_session_open(postgres_18: PostgresUnderTest) -> None:
    """The login is cancelled after the server accepted it and before the caller has the session."""
    opened: list[asyncpg.Connection] = []

    class Cancelling(asyncpg.Connection):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)
            asyncio.get_running_loop().call_soon(fetch_task.cancel)

    login = {**postgres_18.provider.server.admin, "connection_class": Cancelling}
    fetch_task = asyncio.create_task(GuardSession(login).fetch("SELECT to_jsonb(42)"))
    with pytest.raises(asyncio.CancelledError):
        await fetch_task
    [session] = opened
    assert session.is_closed()
