"""The runbook of a lost server: the same records, over an empty server."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.command_line import CommandResult, run_pgvend
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.service_client import create_database, query_owner, running_service_over


async def test_databases_of_a_lost_server_are_created_again_on_another_one(
    server_15: OperatorsServer, server_18: OperatorsServer, tmp_path: Path
) -> None:
    async with running_service_over(server_15, tmp_path) as service:
        lost = await create_database(service, "shop")
    async with running_service_over(server_18, tmp_path) as service:
        unverified = await run(service, "url", "shop", "--verify")
        deleted = await run(service, "delete", "--wait", lost["id"])
        created = await create_database(service, "shop")
        assert await query_owner(created) == created["owner"]
        await run(service, "delete", "--wait", created["id"])
    await drop(server_15, lost)

    assert unverified.status != 0, "the connection is of the lost server"
    assert deleted.status == 0


async def drop(server: OperatorsServer, database: Mapping[str, str]) -> None:
    """Drop what the lost server still has, for the tests after this one."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(f"DROP DATABASE {database['database']}")
        await superuser.execute(f"DROP ROLE {database['owner']}")


async def run(service: RunningService, *command: str) -> CommandResult:
    return await run_pgvend(*command, PGVEND_URL=service.url)
