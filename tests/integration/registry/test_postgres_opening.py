"""Opening of a registry on a PostgreSQL server: by several at once, or refused."""

import asyncio
import socket
import traceback
from contextlib import AsyncExitStack
from urllib.parse import quote

import pytest

from adapters.registry.postgres_stores import open_postgres_stores
from domain.errors import StartupError
from ports.driven.registry import Query
from tests.support.records import new_record
from tests.support.registries import run_sql, temporary_database
from tests.support.servers import PASSWORD, OperatorsServer

SETTING = "PGVEND_REGISTRY_URL"


async def test_many_replicas_can_open_a_new_registry_at_once(server_15: OperatorsServer) -> None:
    async with temporary_database(server_15) as url, AsyncExitStack() as stack:
        stores = await asyncio.gather(
            *(stack.enter_async_context(open_postgres_stores(url)) for _ in range(5))
        )

        kept = [await one.registry.add(new_record()) for one in stores]

        for one in stores:
            assert len(await one.registry.search(Query())) == len(kept)


async def test_the_operator_can_choose_the_schema(server_18: OperatorsServer) -> None:
    async with temporary_database(server_18) as url:
        await run_sql(url, "CREATE SCHEMA records")
        async with open_postgres_stores(
            f"{url}?options={quote('-c search_path=records')}"
        ) as stores:
            await stores.registry.add(new_record())

        assert len(await run_sql(url, "SELECT FROM records.databases")) == 1


async def test_sessions_are_few_and_durable_regardless_of_the_servers_settings(
    server_18: OperatorsServer,
) -> None:
    """The tests' server may lose the latest commits by default; the registry's sessions must not.
    An open session would keep the database from being dropped at the end."""
    (setting,) = await run_sql(server_18.dsn(), "SHOW synchronous_commit")
    assert setting[0] == "off"

    async with (
        temporary_database(server_18) as url,
        open_postgres_stores(url) as stores,
        stores.leases.acquire("one"),
    ):
        await asyncio.gather(*(stores.registry.search(Query()) for _ in range(20)))
        of_registry = f"pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'"
        sessions = await run_sql(
            server_18.superuser_dsn, f"SELECT application_name FROM {of_registry}"
        )
        assert {row[0] for row in sessions} == {"pgvend"}
        assert 1 < len(sessions) <= 6
        async with stores.registry._executor._reading.connect() as connection:  # type: ignore[attr-defined]
            shown = await connection.exec_driver_sql("SHOW synchronous_commit")
            assert shown.scalar_one() == "on"


async def test_an_unreachable_server_is_reported_without_the_password() -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        await _assert_refused(
            f"postgresql://u:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}/d", "reached"
        )


@pytest.mark.parametrize(
    ("database", "query", "why"),
    [
        ("nowhere", "", "no such database"),
        ("postgres", "", "lacks a privilege"),
        ("", "?default_transaction_read_only=on", "read-only"),
    ],
)
async def test_a_database_that_cannot_be_used_is_reported(
    server_15: OperatorsServer, database: str, query: str, why: str
) -> None:
    async with temporary_database(server_15) as url:
        await _assert_refused((server_15.dsn(database=database) if database else url) + query, why)


async def test_a_refused_login_is_reported_without_the_password(
    server_15: OperatorsServer,
) -> None:
    url = server_15.dsn().replace(PASSWORD, "not-the-password")
    await _assert_refused(url, "refuses the login", secret="not-the-password")


async def test_a_foreign_table_is_reported_and_kept(server_15: OperatorsServer) -> None:
    async with temporary_database(server_15) as url:
        await run_sql(url, "CREATE TABLE databases AS SELECT 'theirs' AS id")

        await _assert_refused(url, "a table named databases")

        assert [row[0] for row in await run_sql(url, "SELECT id FROM databases")] == ["theirs"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{PASSWORD}@127.0.0.1/d",
        f"postgresql://u:{PASSWORD}@127.0.0.1:port/d",
        f"postgresql://u:1/{PASSWORD}@127.0.0.1/d",
        f"postgresql://u:x@127.0.0.1:{PASSWORD}/d",
        f"postgresql://u:{PASSWORD}@[::1/d",
        f"postgresql://u:{PASSWORD}@127.0.0.1/d?sslmode={PASSWORD}",
        PASSWORD,
        "",
    ],
)
async def test_an_invalid_url_is_reported_without_its_text(url: str) -> None:
    await _assert_refused(url, "postgresql://user:password@host")


async def _assert_refused(url: str, why: str, *, secret: str = PASSWORD) -> None:
    with pytest.raises(StartupError, match=f"{why}.*|.*{SETTING}") as refusal:
        async with open_postgres_stores(url):
            pass
    assert why in str(refusal.value)
    assert SETTING in str(refusal.value)
    assert secret not in "".join(traceback.format_exception(refusal.value))
