"""A fault of every kind at each request of a copy: the next call completes or deletes it, and the
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
    SLOW_INJECTIONS,
    Injection,
    inject_at_every,
    proxied_provider,
    run_with_fault,
)
from tests.support.obstacles import run
from tests.support.pgproxy import Fault
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


@asynccontextmanager
async def _source(bundled: PostgresProvider) -> AsyncIterator[tuple[ProvisionRequest, Connection]]:
    source = new_provision_request()
    async with provisioned_database(bundled, source) as connection:
        await run(connection, *CONTENTS)
        yield source, connection


def _copy_of(source: ProvisionRequest) -> ProvisionRequest:
    return replace(copy_of(source), ends_sessions=True)


async def _record_requests(bundled: PostgresProvider) -> list[str]:
    """Return the requests of a copy, in order, without a fault."""
    async with _source(bundled) as (source, _), proxied_provider(bundled) as whole:
        copy = _copy_of(source)
        async with provisioned_database(whole.provider, copy):
            return list(whole.proxy.requests)


async def test_faults_cover_the_requests_of_a_copy(bundled_18: PostgresProvider) -> None:
    requests = await _record_requests(bundled_18)
    assert [
        expected
        for expected in EXPECTED_REQUESTS
        if not any(expected in request for request in requests)
    ] == []


@pytest.mark.parametrize("is_repeated", [True, False], ids=["repeated", "deleted"])
@pytest.mark.parametrize(
    "injection",
    [*INJECTIONS.values(), *SLOW_INJECTIONS.values()],
    ids=[*INJECTIONS, *SLOW_INJECTIONS],
)
async def test_the_call_after_a_fault_completes_or_deletes_the_copy(
    bundled_18: PostgresProvider, injection: Injection, is_repeated: bool
) -> None:
    async def case(at: int) -> None:
        fault = Fault(injection.kind, at)
        async with _source(bundled_18) as (source, of_source):
            copy = _copy_of(source)
            async with proxied_provider(bundled_18, fault) as proxied:
                await run_with_fault(proxied.provider.provision(copy), fault, injection)
                if is_repeated:
                    await run(await proxied.retrying.provision(copy), OWN)
                    assert await proxied.fetch_traces(copy.tenant) == COMPLETE
                assert await proxied.retrying.delete(copy.tenant) is None
            assert await proxied.fetch_traces(copy.tenant) == NO_TRACES
            assert await proxied.fetch_traces(source.tenant) == COMPLETE
            await run(of_source, OWN)

    await inject_at_every(await _record_requests(bundled_18), case, injection)
