"""Objects of others on the server are never imported, changed or dropped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.postgres.factory import opened_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.quoting import literal
from domain.errors import DatabaseNotFound, NameTaken
from domain.provisioning import Order
from tests.support.databases import held, vended
from tests.support.postgres_under_test import Place
from tests.support.provision_requests import new_order, rotated

FOREIGN_MARKS = [
    None,
    "the operator's own",
    "pgvend:another-installation:{id}",
    "pgvend:testing2:{id}",
    "pgvend:testing:",
    "pgvend:testing:{id}0",
    "pgvend:testing:db_of_another",
    "PGVEND:TESTING:{id}",
]


@pytest.mark.parametrize("mark", FOREIGN_MARKS, ids=str)
async def test_a_role_without_our_mark_stays_unchanged(place: Place, mark: str | None) -> None:
    order = new_order()
    async with _operators_role(place, order, mark):
        before = await _state(place, order)
        with pytest.raises(NameTaken):
            await place.provider.provision(order)
        with pytest.raises(DatabaseNotFound):
            await place.provider.rotate(order)
        await place.provider.delete(order.tenant)
        assert await held(place.provider, order) == []
        assert await _state(place, order) == before


@pytest.mark.parametrize("bears_our_mark", [False, True])
async def test_a_database_of_another_owner_stays_unchanged(
    place: Place, bears_our_mark: bool
) -> None:
    """Its owner may write any comment on it: only the role's mark counts."""
    order = new_order()
    async with _operators_database(place, order):
        if bears_our_mark:
            mark, name = place.provider.marks.of(order.tenant), order.tenant.names.database
            await place.sql(f"COMMENT ON DATABASE \"{name}\" IS '{mark}'")
        before = await _state(place, order)
        with pytest.raises(NameTaken):
            await place.provider.provision(order)
        await place.provider.delete(order.tenant)
        assert await held(place.provider, order) == []
        assert await _state(place, order) == before


async def test_a_foreign_database_stays_foreign_if_the_role_is_a_tenants(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.sql(f'DROP DATABASE "{connection.database}"')
        async with _operators_database(place, order):
            with pytest.raises(NameTaken):
                await place.provider.provision(order)
            await place.provider.delete(order.tenant)
            assert await place.has(order) == (False, True)


@pytest.mark.parametrize("installation", ["another", "test%"])
async def test_another_installation_neither_lists_nor_changes_our_databases(
    place: Place, installation: str
) -> None:
    order = new_order()
    async with (
        vended(place.provider, order) as connection,
        opened_provider(place.provider.server, installation) as other,
    ):
        assert await other.inventory() == []
        with pytest.raises(NameTaken):
            await other.provision(rotated(order))
        await other.delete(order.tenant)
        assert await place.has(order) == (True, True)
        await PostgresLoginCheck().verify(connection)


@asynccontextmanager
async def _operators_role(place: Place, order: Order, mark: str | None) -> AsyncIterator[None]:
    owner = order.tenant.names.owner
    await place.sql(f"CREATE ROLE \"{owner}\" NOLOGIN CONNECTION LIMIT 7 PASSWORD 'operators'")
    if mark is not None:
        text = literal(mark.replace("{id}", order.tenant.id))
        await place.sql(f'COMMENT ON ROLE "{owner}" IS {text}')
    try:
        yield
    finally:
        await place.sql(f'DROP ROLE "{owner}"')


@asynccontextmanager
async def _operators_database(place: Place, order: Order) -> AsyncIterator[None]:
    await place.sql(f'CREATE DATABASE "{order.tenant.names.database}"')
    try:
        yield
    finally:
        await place.sql(f'DROP DATABASE "{order.tenant.names.database}"')


async def _state(place: Place, order: Order) -> list[object]:
    """Return the server's description of the role and the database with these names."""
    names = order.tenant.names
    return [
        *await place.sql(
            "SELECT oid, a::text, shobj_description(oid, 'pg_authid') FROM pg_authid AS a "
            "WHERE rolname = $1",
            names.owner,
        ),
        *await place.sql(
            "SELECT oid, datdba, datacl::text, datallowconn, datconnlimit, "
            "shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
            names.database,
        ),
        *await place.sql(
            "SELECT member, admin_option FROM pg_auth_members m JOIN pg_roles r ON r.oid = roleid "
            "WHERE rolname = $1",
            names.owner,
        ),
    ]
