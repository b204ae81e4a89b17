"""Sessions that the guard does not end: ordinary work, other users' and the operator's sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.server_snapshot import Reason
from ports.use_cases.guard_server import GuardState
from tests.support.databases import provisioned_database
from tests.support.guard_runs import (
    run_provider_guard,
    wait_for_guard_runs,
)
from tests.support.obstacles import open_transaction
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    operators_under_test,
    session,
    tenant_session,
)
from tests.support.provision_requests import new_provision_request
from tests.support.requirements import skip_without
from tests.support.servers import PASSWORD, OperatorsServer, programs_for_version

MIGRATION = (
    "CREATE TABLE new (id int PRIMARY KEY, old_id int REFERENCES old)",
    "ALTER TABLE old ADD COLUMN more text",
    "INSERT INTO other DEFAULT VALUES",
    "GRANT SELECT ON new TO PUBLIC",
    "COMMENT ON DATABASE {database} IS 'migrated'",
    "ALTER ROLE {user} SET search_path = public",
    "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '8MB'",
    "ALTER DATABASE {database} SET timezone = 'UTC'",
    "GRANT CONNECT ON DATABASE {database} TO {user}",
    "SELECT count(*) FROM pg_roles, pg_database, pg_auth_members, pg_db_role_setting",
)
"""Runs in one transaction."""

SECOND_MIGRATION = "COMMENT ON DATABASE {database} IS 'migrated again'"
INDEX = "CREATE INDEX CONCURRENTLY ON other ((1))"


@asynccontextmanager
async def tenant_with_more_sessions(
    postgres: PostgresUnderTest,
) -> AsyncIterator[tuple[PostgresProvider, Connection]]:
    """A tenant with more sessions than usual."""
    server = replace(postgres.provider.server, connection_limit=12)
    provider = replace(postgres.provider, server=server)
    async with provisioned_database(provider, new_provision_request()) as connection:
        async with tenant_session(connection) as owner:
            await owner.execute("CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE other ()")
        yield provider, connection


@asynccontextmanager
async def notifying_clients(
    connection: Connection, clients: int
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Clients that send notifications continuously: each commit takes a lock that all databases
    share."""

    async def notify() -> None:
        async with tenant_session(connection) as notifying:
            while True:
                await notifying.execute("NOTIFY news")

    tasks = [asyncio.create_task(notify()) for _ in range(clients)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _dump(postgres: PostgresUnderTest, connection: Connection) -> asyncio.subprocess.Process:
    [major] = await postgres.sql("SELECT current_setting('server_version_num')::int / 10000")
    program = (await programs_for_version(major)).folder / "pg_dump"
    if not program.exists():
        skip_without(f"pg_dump of PostgreSQL {major}")
    return await asyncio.create_subprocess_exec(
        program, "--dbname", connection.uri(), stdout=asyncio.subprocess.DEVNULL
    )


def _fill_names(text: str, connection: Connection) -> str:
    return text.format(database=f'"{connection.database}"', user=f'"{connection.user}"')


async def test_ordinary_work_is_not_ended(postgres: PostgresUnderTest) -> None:
    """All of it runs concurrently, while other tenants are created and deleted."""
    async with (
        tenant_with_more_sessions(postgres) as (provider, own),
        run_provider_guard(provider) as guard_run,
        AsyncExitStack() as stack,
    ):
        opened = [await stack.enter_async_context(tenant_session(own)) for _ in range(4)]
        query, second, indexing, idle = opened
        await idle.execute("SELECT 42")
        migration = await stack.enter_async_context(open_transaction(own, *MIGRATION))
        notifying = await stack.enter_async_context(notifying_clients(own, 3))
        tasks = [
            asyncio.create_task(query.execute("SELECT pg_sleep(2)")),
            asyncio.create_task(second.execute(_fill_names(SECOND_MIGRATION, own))),
            asyncio.create_task(indexing.execute(INDEX)),
        ]
        dump = await _dump(postgres, own)
        async with provisioned_database(provider, new_provision_request()):
            await wait_for_guard_runs(guard_run)
        assert not any(task.done() for task in tasks[1:]), "they did not wait for the migration"
        assert dump.returncode is None, "the dump did not wait either"
        await migration.execute("COMMIT")
        await asyncio.gather(*tasks)
        assert await dump.wait() == 0
        assert await idle.fetchval("SELECT 42") == 42
        assert guard_run.ended == []
        assert not any(task.done() for task in notifying)


OPERATORS = (
    "VACUUM FULL pg_catalog.pg_authid, pg_catalog.pg_database",
    "REINDEX TABLE pg_catalog.pg_auth_members",
)


async def test_the_operators_work_on_shared_catalogs_is_not_ended(
    postgres_18: PostgresUnderTest,
) -> None:
    async with run_provider_guard(postgres_18.provider) as guard_run, asyncio.timeout(20):
        for statement in OPERATORS:
            await postgres_18.sql(statement)
        await wait_for_guard_runs(guard_run)
        assert guard_run.server.status.state is GuardState.WATCHING
        assert guard_run.ended == []


RULE = "CREATE RULE r AS ON INSERT TO pg_catalog.pg_authid DO NOTHING"


async def test_two_guards_do_not_disturb_each_other(postgres_18: PostgresUnderTest) -> None:
    provision_request = new_provision_request()
    async with (
        run_provider_guard(postgres_18.provider) as one,
        run_provider_guard(postgres_18.provider) as two,
        provisioned_database(postgres_18.provider, provision_request) as attacker,
        open_transaction(attacker, "SELECT count(*) FROM pg_roles") as weak_session,
        tenant_session(attacker) as strong_session,
    ):
        with pytest.raises(asyncpg.PostgresConnectionError):
            await strong_session.execute(RULE)
        await wait_for_guard_runs(one)
        await wait_for_guard_runs(two)
        assert {*one.ended, *two.ended} == {(provision_request.tenant.id, Reason.WAITS.value)}
        assert await weak_session.fetchval("SELECT 42") == 42


FOREIGNER = (
    f"CREATE ROLE foreigner LOGIN PASSWORD '{PASSWORD}'",
    "GRANT CONNECT ON DATABASE postgres TO foreigner",
    "COMMENT ON ROLE foreigner IS 'pgvend:another:db_1'",
)


async def test_the_guard_ignores_roles_of_another_installation(
    server_18: OperatorsServer,
) -> None:
    async with (
        operators_under_test(server_18) as postgres,
        run_provider_guard(postgres.provider) as guard_run,
    ):
        for statement in FOREIGNER:
            await postgres.sql(statement)
        try:
            login = {"dsn": server_18.dsn("foreigner")}
            async with session(login) as foreigner, asyncio.timeout(20):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await foreigner.execute(RULE)
                assert await foreigner.fetchval("SELECT 42") == 42
        finally:
            await postgres.sql("DROP OWNED BY foreigner")
            await postgres.sql("DROP ROLE foreigner")
        assert guard_run.ended == []
