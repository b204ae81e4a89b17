"""The two tenants of an attack: unrelated ones, or one that is a copy of the other's database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from ports.driven.database_provider import DatabaseProvider
from tests.security.outcome import Kind
from tests.support.databases import provisioned_database
from tests.support.postgres_under_test import tenant_session
from tests.support.provision_requests import new_provision_request
from tests.support.spare_requests import claim_of, fill_spare, new_spare_request

SECRET_TEXT = "the crown jewels"

_CREATE_DATA = """
CREATE TABLE treasure (word text);
CREATE SCHEMA vault CREATE TABLE box (word text)
"""

_PREPARE_COPY = """
GRANT ALL ON DATABASE {database} TO PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC
"""

Tenants = tuple[ProvisionRequest, ProvisionRequest, Connection, Connection]
"""The requests of A and B, and their connections."""

Arrange = Callable[[Kind, DatabaseProvider], AbstractAsyncContextManager[Tenants]]
"""Provisions both tenants until the context exits."""


@asynccontextmanager
async def apart(kind: Kind, provider: DatabaseProvider) -> AsyncIterator[Tenants]:
    """Provision two tenants that have nothing to do with each other."""
    a_request = await _create_request(kind, provider, "A")
    b_request = await _create_request(kind, provider, "B")
    async with (
        provisioned_database(provider, a_request) as a,
        provisioned_database(provider, b_request) as b,
    ):
        await _create_data(a)
        yield a_request, b_request, a, b


@asynccontextmanager
async def b_copies_a(_: Kind, provider: DatabaseProvider) -> AsyncIterator[Tenants]:
    """Provision B as a copy of A's database."""
    a_request, b_request = new_provision_request("A"), new_provision_request("B")
    async with provisioned_database(provider, a_request) as a:
        await _create_data(a)
        copy = replace(b_request, source=a_request.tenant)
        async with provisioned_database(provider, copy) as b:
            yield a_request, copy, a, b


@asynccontextmanager
async def a_copies_b(_: Kind, provider: DatabaseProvider) -> AsyncIterator[Tenants]:
    """Provision A as a copy of a database that B prepared."""
    a_request, b_request = new_provision_request("A"), new_provision_request("B")
    async with provisioned_database(provider, b_request) as b:
        async with tenant_session(b) as session:
            await session.execute(_PREPARE_COPY.format(database=f'"{b.database}"'))
        copy = replace(a_request, source=b_request.tenant)
        async with provisioned_database(provider, copy) as a:
            await _create_data(a)
            yield copy, b_request, a, b


async def _create_data(connection: Connection) -> None:
    """Create data in A's database."""
    async with tenant_session(connection) as session:
        await session.execute(_CREATE_DATA)
        await session.execute("INSERT INTO treasure VALUES ($1)", SECRET_TEXT)
        await session.execute("SELECT lo_from_bytea(0, $1)", SECRET_TEXT.encode())


async def _create_request(
    kind: Kind, provider: DatabaseProvider, nickname: str
) -> ProvisionRequest:
    """Return a request for a database with that nickname, which claims a new spare if this kind's
    tenants do."""
    if not kind.claims_spares:
        return new_provision_request(nickname)
    spare = new_spare_request()
    await fill_spare(provider, PostgresLoginCheck(), spare)
    return claim_of(spare, nickname, has_opaque_names=not kind.is_shared)
