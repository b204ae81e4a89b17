"""What a vend leaves on the server besides the database: marks, verifiers, no memberships."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import NameTaken
from tests.support.databases import namesake, vended
from tests.support.obstacles import memberships
from tests.support.orders import INSTALLATION, new_order, rotated
from tests.support.places import Place


async def test_a_vend_leaves_marks_a_verifier_and_no_membership(place: Place) -> None:
    order = new_order()
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    async with vended(place.provider, order) as connection:
        marks = await place.sql(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1 UNION ALL "
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $2",
            connection.user,
            connection.database,
        )
        assert marks == [f"pgvend:{INSTALLATION}:{order.tenant.id}"] * 2
        [first] = await place.sql(verifier, connection.user)
        assert first.startswith("SCRAM-SHA-256$4096:")

        await place.provider.provision(order)
        assert await place.sql(verifier, connection.user) != [first], "a salt of its own"
        assert await memberships(place, connection) == []


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
