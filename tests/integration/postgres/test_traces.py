"""What a vend leaves on the server besides the database: marks, verifiers, no memberships."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import NameTaken
from tests.support.databases import namesake, vended
from tests.support.orders import INSTALLATION, new_order, rotated
from tests.support.places import Place

LIVING_MEMBERSHIPS = {
    # Up to PostgreSQL 15 a membership is one thing; since 16 the maker of a role stays in it, with
    # the right to join it again and nothing more.
    15: "SELECT count(*) FROM pg_auth_members WHERE roleid = $1::text::regrole",
    16: "SELECT count(*) FROM pg_auth_members WHERE roleid = $1::text::regrole "
    "AND (inherit_option OR set_option)",
}


async def test_the_admin_is_no_member_of_the_owner_afterwards(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.provider.provision(order)
        [version] = await place.sql("SELECT current_setting('server_version_num')::int / 10000")
        query = LIVING_MEMBERSHIPS[min(version, 16)]
        assert await place.sql(query, f'"{connection.user}"') == [0]


async def test_role_and_database_bear_the_mark(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        marks = await place.sql(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1 UNION ALL "
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $2",
            connection.user,
            connection.database,
        )
        assert marks == [f"pgvend:{INSTALLATION}:{order.tenant.id}"] * 2


async def test_the_server_keeps_a_verifier_of_the_password(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        [kept] = await place.sql(
            "SELECT rolpassword FROM pg_authid WHERE rolname = $1", connection.user
        )
        assert kept.startswith("SCRAM-SHA-256$4096:")


async def test_every_writing_of_a_password_takes_a_salt_of_its_own(place: Place) -> None:
    order = new_order()
    query = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    async with vended(place.provider, order) as connection:
        first = await place.sql(query, connection.user)
        await place.provider.provision(order)
        assert await place.sql(query, connection.user) != first


async def test_the_servers_log_never_holds_a_password(place: Place) -> None:
    order = new_order()
    passwords = [order.password.reveal(), rotated(order).password.reveal()]
    async with _logging_everything(place):
        async with vended(place.provider, order):
            await place.provider.rotate(rotated(order))
            with pytest.raises(NameTaken):
                await place.provider.provision(namesake(order))
        await _lose_a_race(place)
        log = place.log.read_text()
    assert order.tenant.names.owner in log
    assert [password for password in passwords if password in log] == []


async def _lose_a_race(place: Place) -> None:
    """Of two orders for one name one fails in CREATE ROLE, and the server logs that statement."""
    order = new_order()
    orders = [order, namesake(order)]
    try:
        results = await asyncio.gather(
            *(place.provider.provision(order) for order in orders), return_exceptions=True
        )
        assert NameTaken in map(type, results)
    finally:
        for order in orders:
            await place.provider.retire(order.tenant)


@asynccontextmanager
async def _logging_everything(place: Place) -> AsyncIterator[None]:
    await place.sql("ALTER SYSTEM SET log_statement = 'all'")
    await place.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await place.sql("ALTER SYSTEM RESET log_statement")
        await place.sql("SELECT pg_reload_conf()")
