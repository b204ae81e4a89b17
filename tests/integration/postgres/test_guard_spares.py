"""Sessions that the guard does not end: ordinary work, other users' and the operator's sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from adapters.postgres.guard_session import GuardSession
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.server_snapshot import Concern, Reason
from ports.use_cases.guard_server import GuardState
from tests.support.databases import vended
from tests.support.guard_runs import QUICK, Watch, guard_of, guarded
from tests.support.obstacles import left_open
from tests.support.polling import until
from tests.support.postgres_under_test import Place, operated, session, tenant, without_rights
from tests.support.provision_requests import new_order
from tests.support.requirements import lacking
from tests.support.servers import PASSWORD, OperatorsServer, programs_of

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

LOOKS = 15


@pytest.fixture
async def place_18(server_18: OperatorsServer) -> AsyncIterator[Place]:
    """One server, for behaviour that does not depend on the version or the kind of server."""
    async with operated(server_18) as place:
        yield place


@asynccontextmanager
async def roomy(place: Place) -> AsyncIterator[tuple[PostgresProvider, Connection]]:
    """A tenant with more sessions than usual."""
    server = replace(place.provider.server, connection_limit=12)
    provider = replace(place.provider, server=server)
    async with vended(provider, new_order()) as connection:
        async with tenant(connection) as owner:
            await owner.execute("CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE other ()")
        yield provider, connection


async def looked(watch: Watch) -> None:
    """Wait until the guard has ended every session that it would end for its locks."""
    began, seen = watch.looks, asyncio.get_running_loop().time()
    await until(lambda: _has_looked(watch, began + LOOKS))
    assert asyncio.get_running_loop().time() - seen > QUICK.patience


@asynccontextmanager
async def notified(connection: Connection, clients: int) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Clients that send notifications continuously: each commit takes a lock that all databases
    share."""

    async def notify() -> None:
        async with tenant(connection) as notifying:
            while True:
                await notifying.execute("NOTIFY news")

    tasks = [asyncio.create_task(notify()) for _ in range(clients)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _has_looked(watch: Watch, often: int) -> bool:
    return watch.looks >= often


async def _dumped(place: Place, connection: Connection) -> asyncio.subprocess.Process:
    [major] = await place.sql("SELECT current_setting('server_version_num')::int / 10000")
    program = (await programs_of(major)).folder / "pg_dump"
    if not program.exists():
        lacking(f"pg_dump of PostgreSQL {major}")
    return await asyncio.create_subprocess_exec(
        program, "--dbname", connection.uri(), stdout=asyncio.subprocess.DEVNULL
    )


def _statement(text: str, connection: Connection) -> str:
    return text.format(database=f'"{connection.database}"', user=f'"{connection.user}"')


async def test_ordinary_work_is_not_ended(place: Place) -> None:
    """All of it runs concurrently, while other tenants are created and deleted."""
    async with (
        roomy(place) as (provider, own),
        guarded(provider) as watch,
        AsyncExitStack() as work,
    ):
        opened = [await work.enter_async_context(tenant(own)) for _ in range(4)]
        query, second, indexing, idle = opened
        await idle.execute("SELECT 42")
        migration = await work.enter_async_context(left_open(own, *MIGRATION))
        notifying = await work.enter_async_context(notified(own, 3))
        tasks = [
            asyncio.create_task(query.execute("SELECT pg_sleep(2)")),
            asyncio.create_task(second.execute(_statement(SECOND_MIGRATION, own))),
            asyncio.create_task(indexing.execute(INDEX)),
        ]
        dump = await _dumped(place, own)
        async with vended(provider, new_order()):
            await looked(watch)
        assert not any(task.done() for task in tasks[1:]), "they wait for the migration"
        assert dump.returncode is None, "and so does the dump"
        await migration.execute("COMMIT")
        await asyncio.gather(*tasks)
        assert await dump.wait() == 0
        assert await idle.fetchval("SELECT 42") == 42
        assert watch.endings == []
        assert not any(task.done() for task in notifying)


OPERATORS = (
    "VACUUM FULL pg_catalog.pg_authid, pg_catalog.pg_database",
    "REINDEX TABLE pg_catalog.pg_auth_members",
)


async def test_the_operators_work_on_shared_catalogs_is_not_ended(place_18: Place) -> None:
    async with guarded(place_18.provider) as watch, asyncio.timeout(20):
        for statement in OPERATORS:
            await place_18.sql(statement)
        await looked(watch)
        assert watch.server.status.state is GuardState.WATCHING
        assert watch.endings == []


async def test_the_guard_does_not_hold_back_vacuum(place: Place) -> None:
    held = (
        "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity "
        "WHERE application_name = 'pgvend guard' AND state = 'idle in transaction'"
    )
    async with guard_of(place.provider) as guard:
        for _ in range(3):
            await guard.look()
            assert await place.sql(held) == [True]


async def test_the_guard_sees_changes_within_its_long_transaction(place: Place) -> None:
    order = new_order()
    async with guard_of(place.provider) as guard:
        before = await guard.look()
        async with vended(place.provider, order) as connection, tenant(connection) as own:
            await own.execute("CREATE TABLE t (); CREATE TABLE u ()")
            after = await guard.look()
            [seen] = after.sessions
            assert (seen.tenant, seen.pid) == (order.tenant.id, own.get_server_pid())
            assert seen.database == connection.database
        assert before.sessions == []
        assert after.next_id > before.next_id
        assert after.ages["template0"] > before.ages["template0"]


async def test_a_lost_session_is_replaced(place_18: Place) -> None:
    end = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'pgvend guard'"
    )
    async with guarded(place_18.provider) as watch:
        assert await place_18.sql(end) == [True]
        await looked(watch)
        assert watch.server.status.state is GuardState.WATCHING
        assert await place_18.sql(end) == [True], "there is one, and no more"


RULE = "CREATE RULE r AS ON INSERT TO pg_catalog.pg_authid DO NOTHING"


async def test_two_guards_do_not_disturb_each_other(place_18: Place) -> None:
    order = new_order()
    async with (
        guarded(place_18.provider) as one,
        guarded(place_18.provider) as two,
        vended(place_18.provider, order) as attacker,
        left_open(attacker, "SELECT count(*) FROM pg_roles") as holding,
        tenant(attacker) as queueing,
    ):
        with pytest.raises(asyncpg.PostgresConnectionError):
            await queueing.execute(RULE)
        await looked(one)
        await looked(two)
        assert {*one.endings, *two.endings} == {(order.tenant.id, Reason.WAITS.value)}
        assert await holding.fetchval("SELECT 42") == 42


FOREIGNER = (
    f"CREATE ROLE foreigner LOGIN PASSWORD '{PASSWORD}'",
    "GRANT CONNECT ON DATABASE postgres TO foreigner",
    "COMMENT ON ROLE foreigner IS 'pgvend:another:db_1'",
)


async def test_a_role_of_another_installation_is_left_to_its_guard(
    server_18: OperatorsServer,
) -> None:
    async with operated(server_18) as place, guarded(place.provider) as watch:
        for statement in FOREIGNER:
            await place.sql(statement)
        try:
            login = {"dsn": server_18.dsn("foreigner")}
            async with session(login) as foreigner, asyncio.timeout(20):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await foreigner.execute(RULE)
                assert await foreigner.fetchval("SELECT 42") == 42
        finally:
            await place.sql("DROP OWNED BY foreigner")
            await place.sql("DROP ROLE foreigner")
        assert watch.endings == []


async def test_missing_guard_privileges_are_reported_with_their_fix(
    server_15: OperatorsServer,
) -> None:
    rights = "pg_signal_backend, pg_read_all_stats"
    async with (
        operated(server_15) as place,
        vended(place.provider, new_order()) as connection,
        without_rights(server_15, rights),
        tenant(connection) as own,
        guard_of(place.provider) as guard,
    ):
        look = await guard.look()
        assert list(QUICK.concerns(look)) == [Concern.POWERLESS, Concern.BLIND]
        [seen] = look.sessions
        with pytest.raises(ProviderRejected, match=f'GRANT {rights} TO "admin";'):
            await guard.end(seen)
        assert await own.fetchval("SELECT 42") == 42


async def test_a_cancelled_login_leaves_no_session_open(place_18: Place) -> None:
    """The moment after the server let the session in is the one in which nobody holds it yet."""
    opened: list[asyncpg.Connection] = []

    class Cancelling(asyncpg.Connection):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)
            asyncio.get_running_loop().call_soon(asking.cancel)

    login = {**place_18.provider.server.admin, "connection_class": Cancelling}
    asking = asyncio.create_task(GuardSession(login).ask("SELECT to_jsonb(42)"))
    with pytest.raises(asyncio.CancelledError):
        await asking
    [session] = opened
    assert session.is_closed()
