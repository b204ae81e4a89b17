"""`pgvend serve` over a server that another operator runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres_under_test import without_rights
from tests.support.servers import OperatorsServer
from tests.support.service import NotStarted, running_service
from tests.support.service_client import (
    create_by_legacy_route,
    create_database,
    query_owner,
    running_service_over,
    send_request,
)
from tests.support.sizes import MONITORING_ROLE


async def test_both_routes_return_logins_with_the_public_host(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    settings = {"PGVEND_SIZE_LIMIT": "1GB", "PGVEND_PUBLIC_HOST": "localhost"}
    async with running_service_over(server_15, tmp_path, **settings) as service:
        new, old = await create_database(service), await create_by_legacy_route(service)

        assert new["connection"]["port"] == old["port"] == server_15.port
        assert new["connection"]["host"] == old["hostname"] == "localhost"
        assert await query_owner(new) == new["owner"]
        assert await query_owner(old) == old["database_owner"]
        assert await service.stop() == 0


async def test_an_admin_without_the_right_to_measure_sizes_fails_startup(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    with pytest.raises(NotStarted, match='GRANT pg_read_all_stats TO "admin";'):
        async with (
            without_rights(server_15, MONITORING_ROLE),
            running_service_over(server_15, tmp_path, PGVEND_SIZE_LIMIT="1GB"),
        ):
            pass


async def test_an_unreachable_server_makes_the_service_unready(tmp_path: Path) -> None:
    dsn = "postgresql://admin:hunter2@127.0.0.1:1/postgres"
    settings: dict[str, Any] = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    async with running_service(tmp_path, **settings) as service:
        alive, _ = await send_request(service, "GET", "/livez")
        ready, health = await send_request(service, "GET", "/readyz")

        assert (alive, ready) == (200, 503)
        assert health["checks"] == {"registry": "ok", "provider": "provider_busy"}
        assert await service.stop() == 0
        assert "hunter2" not in service.output()
