"""The guard as the service reports it: counts in `/readyz`, and ids in the log."""

from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.support.polling import wait_until
from tests.support.postgres_under_test import session, without_rights
from tests.support.servers import OperatorsServer
from tests.support.service_client import (
    create_database,
    delete_database,
    login_from_answer,
    running_service_over,
    send_request,
)

RULE = "CREATE RULE r AS ON INSERT TO pg_catalog.pg_authid DO NOTHING"
RIGHTS = "pg_signal_backend, pg_read_all_stats"


async def test_the_guard_ends_a_blocking_session_and_reports_it(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with running_service_over(server_15, tmp_path, PGVEND_ADMIN_KEY="a" * 32) as service:
        key = {"Authorization": f"Bearer {'a' * 32}"}
        database = await create_database(service, **key)
        async with session(login_from_answer(database)) as attacker:
            with pytest.raises(asyncpg.PostgresConnectionError):
                await attacker.execute(RULE)

        async def is_counted() -> bool:
            status, health = await send_request(service, "GET", "/readyz")
            assert status == 200
            return bool(health["guard"]["ended_sessions"] == 1)

        await wait_until(is_counted)
        _, health = await send_request(service, "GET", "/readyz")
        assert health["guard"]["state"] == "watching"
        assert health["guard"]["concerns"] == []
        assert 0 < health["guard"]["free_connections"] < 97
        assert health["guard"]["oldest_transaction_id_age"] > 0
        assert "free_disk_bytes" not in health["guard"], "SQL does not show it"
        assert database["id"] not in str(health)
        lines = await service.wait_for_output(r".*guard\.ended_session")
        assert database["id"] in lines[0]
        assert "waits_for_shared_lock" in lines[0]
        await delete_database(service, database, **key)


async def test_missing_rights_of_the_guard_are_reported_until_granted(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with AsyncExitStack() as without:
        await without.enter_async_context(without_rights(server_15, RIGHTS))
        async with running_service_over(server_15, tmp_path) as service:
            lines = await service.wait_for_output(r".*cannot_end_sessions.*guard\.concern")
            status, health = await send_request(service, "GET", "/readyz")
            assert (status, health["status"]) == (200, "ok")
            concerns = ["cannot_end_sessions", "cannot_see_transactions"]
            assert health["guard"]["concerns"] == concerns
            assert "GRANT pg_signal_backend" in lines[0]
            await without.aclose()

            async def has_no_concerns() -> bool:
                _, health = await send_request(service, "GET", "/readyz")
                return bool(health["guard"]["concerns"] == [])

            await wait_until(has_no_concerns)
