"""The contract of a provider: copies of a source."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres.sessions import open_tenant_session
from domain.connection import Connection
from domain.errors import CopyUnsupported, DatabaseNotFound, SourceInUse
from domain.provisioning import ProvisionRequest
from tests.contract.conftest import ProviderKind, only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.copies import copy_of
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.provision_requests import new_provision_request, with_next_password
from tests.support.spare_requests import claim_of, fill_spare, new_spare_request

copying = only(lambda kind: kind.copies)
with_data = only(lambda kind: kind.copies and kind.has_sessions)


async def test_a_provider_copies_or_refuses_a_source(
    setup: ProviderSetup, kind: ProviderKind
) -> None:
    assert setup.provider.can_copy == kind.copies
    if kind.copies:
        return
    before = await setup.provider.inventory()
    with pytest.raises(CopyUnsupported):
        await setup.provider.provision(copy_of(new_provision_request()))
    assert await setup.provider.inventory() == before


@copying
async def test_a_copy_is_a_database_of_its_own(setup: ProviderSetup) -> None:
    async with _source(setup) as (source, of_source):
        copy = copy_of(source)
        async with provisioned_database(setup.provider, copy) as connection:
            await setup.login_check.verify(connection)
            await setup.login_check.verify(of_source)
            assert await find_in_inventory(setup.provider, copy) == [expected_item(copy)]
            assert await find_in_inventory(setup.provider, source) == [expected_item(source)]

            await setup.provider.suspend(source.tenant)
            await setup.provider.delete(source.tenant)
            await setup.login_check.verify(connection)
            await setup.login_check.verify(await setup.provider.provision(copy))


@copying
async def test_a_copy_of_a_copy_and_of_a_suspended_source_works(setup: ProviderSetup) -> None:
    async with _source(setup) as (source, _):
        await setup.provider.suspend(source.tenant)
        first = copy_of(source)
        async with provisioned_database(setup.provider, first) as connection:
            await setup.login_check.verify(connection)
            async with provisioned_database(setup.provider, copy_of(first)) as of_second:
                await setup.login_check.verify(of_second)


@copying
async def test_a_source_that_does_not_exist_cannot_be_copied(setup: ProviderSetup) -> None:
    copy = copy_of(new_provision_request())
    with pytest.raises(DatabaseNotFound):
        await setup.provider.provision(copy)
    await setup.provider.delete(copy.tenant)
    assert await find_in_inventory(setup.provider, copy) == []


@copying
async def test_concurrent_copies_of_a_source_succeed(setup: ProviderSetup) -> None:
    async with _source(setup) as (source, _):
        copies = [copy_of(source) for _ in range(3)]
        same = [copies[0]] * 2
        try:
            for connection in await asyncio.gather(*map(setup.provider.provision, copies + same)):
                await setup.login_check.verify(connection)
        finally:
            await asyncio.gather(*[setup.provider.delete(copy.tenant) for copy in copies])


@with_data
async def test_a_copy_has_the_contents_of_its_source_at_that_time(setup: ProviderSetup) -> None:
    async with _source_with_data(setup) as (source, of_source):
        copy = copy_of(source)
        async with provisioned_database(setup.provider, copy) as connection:
            assert await _fetch_words(connection) == ["first"]
            await _run(connection, "INSERT INTO kept VALUES ('own'); ALTER TABLE kept ADD n int")
            assert await _fetch_words(of_source) == ["first"]
            await _run(of_source, "INSERT INTO kept VALUES ('later')")

            again = await setup.provider.provision(with_next_password(copy))
            assert await _fetch_words(again) == ["first", "own"]
            assert await _fetch_words(of_source) == ["first", "later"]


@with_data
async def test_a_spare_that_is_a_copy_can_be_claimed(setup: ProviderSetup) -> None:
    async with _source_with_data(setup) as (source, _):
        spare = replace(new_spare_request(), source=source.tenant)
        claim = claim_of(spare)
        try:
            await fill_spare(setup.provider, setup.login_check, spare)
            connection = await setup.provider.provision(claim)
            assert await _fetch_words(connection) == ["first"]
            assert await setup.provider.delete(source.tenant) is None
            assert await _fetch_words(await setup.provider.provision(claim)) == ["first"]
        finally:
            await setup.provider.delete(claim.tenant)


@with_data
async def test_a_copy_survives_its_source(setup: ProviderSetup) -> None:
    async with _source_with_data(setup) as (source, _):
        copy = copy_of(source)
        async with provisioned_database(setup.provider, copy):
            assert await setup.provider.delete(source.tenant) is None
            again = await setup.provider.provision(replace(copy, source=None))
            assert await _fetch_words(again) == ["first"]


@with_data
async def test_a_session_in_the_source_prevents_the_copy_and_continues(
    setup: ProviderSetup,
) -> None:
    async with _source_with_data(setup) as (source, of_source):
        copy = copy_of(source)
        async with open_tenant_session(of_source) as session:
            with pytest.raises(SourceInUse):
                await setup.provider.provision(copy)
            assert await session.fetchval("SELECT word FROM kept") == "first"
        async with provisioned_database(setup.provider, copy) as connection:
            assert await _fetch_words(connection) == ["first"]


@with_data
async def test_a_copy_that_may_ends_the_sessions_in_the_source(setup: ProviderSetup) -> None:
    async with _source_with_data(setup) as (source, of_source):
        copy = replace(copy_of(source), ends_sessions=True)
        async with open_tenant_session(of_source) as idle, open_tenant_session(of_source) as busy:
            await busy.execute("BEGIN; INSERT INTO kept VALUES ('uncommitted')")
            async with provisioned_database(setup.provider, copy) as connection:
                assert await _fetch_words(connection) == ["first"]
                for session in (idle, busy):
                    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
                        await session.fetchval("SELECT 1")
                assert await _fetch_words(of_source) == ["first"]


@asynccontextmanager
async def _source(setup: ProviderSetup) -> AsyncIterator[tuple[ProvisionRequest, Connection]]:
    source = new_provision_request()
    async with provisioned_database(setup.provider, source) as connection:
        yield source, connection


@asynccontextmanager
async def _source_with_data(
    setup: ProviderSetup,
) -> AsyncIterator[tuple[ProvisionRequest, Connection]]:
    async with _source(setup) as (source, connection):
        await _run(connection, "CREATE TABLE kept AS SELECT 'first' AS word")
        yield source, connection


async def _run(connection: Connection, statements: str) -> None:
    async with open_tenant_session(connection) as session:
        await session.execute(statements)


async def _fetch_words(connection: Connection) -> list[str]:
    async with open_tenant_session(connection) as session:
        return [row["word"] for row in await session.fetch("SELECT word FROM kept ORDER BY word")]
