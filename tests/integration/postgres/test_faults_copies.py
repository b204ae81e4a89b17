"""A fault at each request of a copy: the next call completes or deletes it, and the
source stays as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from tests.support.copies import copy_of
from tests.support.databases import provisioned_database
from tests.support.fault_injection import (
    COMPLETE,
    INJECTIONS,
    NO_TRACES,
    Injection,
    inject_at_every,
    proxied_provider,
    run_with_fault,
)
from tests.support.obstacles import run
from tests.support.pgproxy import Fault
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request

CONTENTS = (
    "CREATE SCHEMA app",
    "CREATE TABLE app.kept AS SELECT 42 AS answer",
    "CREATE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "REVOKE CREATE ON SCHEMA app FROM {user}",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER ROLE {user} SET work_mem = '5MB'",
)

OWN = "DROP FUNCTION app.one(); ALTER TABLE app.kept ADD own int; SELECT answer FROM app.kept"

EXPECTED_REQUESTS = [
    "CREATE ROLE",
    "CREATE DATABASE",
    "ALTER SCHEMA",
    "ALTER DATABASE",
    "COMMIT",
    "ALTER ROLE",
]
"""Some of the requests that have to get a fault."""


INSIDE = "SELECT FROM pg_stat_activity WHERE datname = $1 AND usename IS NOT NULL"

TWO_INJECTIONS = {name: INJECTIONS[name] for name in ("cut after", "cancelled")}
"""Faults that cover the states that any fault leaves: after a request, or during one."""

CASES = [
    pytest.param(injection, is_repeated, id=f"{name}, {following}")
    for following, is_repeated in {"repeated": True, "deleted": False}.items()
    for name, injection in TWO_INJECTIONS.items()
]


@pytest.mark.parametrize(("injection", "is_repeated"), CASES)
async def test_the_call_after_a_fault_completes_or_deletes_the_copy(
    bundled_18: PostgresProvider, injection: Injection, is_repeated: bool
) -> None:
    async def case(at: int) -> None:
        await _run_case(bundled_18, Fault(injection.kind, at), injection, is_repeated=is_repeated)

    requests = await _record_requests(bundled_18)
    assert [each for each in EXPECTED_REQUESTS if not any(each in text for text in requests)] == []
    await inject_at_every(requests, case, injection)


@pytest.mark.parametrize("injection", TWO_INJECTIONS.values(), ids=TWO_INJECTIONS)
async def test_the_call_after_a_fault_while_sessions_end_completes_the_copy(
    bundled_18: PostgresProvider, injection: Injection
) -> None:
    async def case(at: int) -> None:
        await _run_case(bundled_18, Fault(injection.kind, at), injection, ends_sessions=True)

    requests = await _record_requests(bundled_18, ends_sessions=True)
    [begin] = [at for at, text in enumerate(requests) if "CREATE DATABASE" in text]
    await inject_at_every(requests[: begin + 3], case, injection)


async def _run_case(
    bundled: PostgresProvider,
    fault: Fault,
    injection: Injection,
    *,
    is_repeated: bool = True,
    ends_sessions: bool = False,
) -> None:
    async with _source(bundled) as (source, of_source):
        copy = replace(copy_of(source), ends_sessions=ends_sessions)
        async with proxied_provider(bundled, fault) as proxied:
            await run_with_fault(proxied.provider.provision(copy), fault, injection)
            if is_repeated:
                await run(await proxied.retrying.provision(copy), OWN)
                assert await proxied.fetch_traces(copy.tenant) == COMPLETE
            assert await proxied.retrying.delete(copy.tenant) is None
        assert await proxied.fetch_traces(copy.tenant) == NO_TRACES
        await run(of_source, OWN)
        if not is_repeated:  # the next call for the source ends the admin's membership
            await bundled.provision(source)
        assert await proxied.fetch_traces(source.tenant) == COMPLETE


async def _record_requests(bundled: PostgresProvider, *, ends_sessions: bool = False) -> list[str]:
    """Return the requests of a copy, in order, without a fault."""
    async with _source(bundled) as (source, _), proxied_provider(bundled) as whole:
        copy = replace(copy_of(source), ends_sessions=ends_sessions)
        async with provisioned_database(whole.provider, copy):
            return list(whole.proxy.requests)


@asynccontextmanager
async def _source(bundled: PostgresProvider) -> AsyncIterator[tuple[ProvisionRequest, Connection]]:
    """Provision a source with contents that nobody uses."""
    source = new_provision_request()
    async with provisioned_database(bundled, source) as connection:
        await run(connection, *CONTENTS)

        async def is_unused() -> bool:
            return not await bundled.pool.fetch(INSIDE, connection.database)

        await wait_until(is_unused)
        yield source, connection
