"""A new password, whatever its tenant, or who has stolen the old one, does to keep the old."""

from contextlib import AsyncExitStack

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.login_check import PostgresLoginCheck
from domain.errors import ProviderRejected
from tests.support.databases import vended
from tests.support.holding import left_open
from tests.support.obstacles import filled
from tests.support.orders import new_order, rotated
from tests.support.places import Place, tenant
from tests.support.suspended import memberships

OWN_PASSWORD = "ALTER ROLE {user} PASSWORD 'kept'"


async def test_a_transaction_that_is_left_open_does_not_keep_the_old_password(
    place: Place,
) -> None:
    order = new_order()
    async with vended(place.provider, order) as old, AsyncExitStack() as sessions:
        holding = await sessions.enter_async_context(left_open(old, OWN_PASSWORD))
        await PostgresLoginCheck().verify(await place.provider.rotate(rotated(order)))
        with pytest.raises(ProviderRejected):
            await PostgresLoginCheck().verify(old)
        with pytest.raises(FAILURES):
            await holding.execute("COMMIT")
        assert await memberships(place, old) == []


async def test_a_prepared_transaction_does_not_keep_the_old_password(place_15: Place) -> None:
    order = new_order()
    async with vended(place_15.provider, order) as old:
        async with left_open(old, OWN_PASSWORD) as session:
            await session.execute("PREPARE TRANSACTION 'kept'")
        new = await place_15.provider.rotate(rotated(order))
        await PostgresLoginCheck().verify(new)
        assert await memberships(place_15, old) == []


async def test_sessions_that_are_in_nobodys_way_go_on(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as old, tenant(old) as session:
        await session.execute("BEGIN")
        await session.execute(filled("ALTER ROLE {user} SET work_mem = '8MB'", old))
        await place.provider.rotate(rotated(order))
        assert await session.fetchval("SELECT 42") == 42


async def test_a_rotation_makes_the_admin_no_member_of_the_owner(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.provider.rotate(rotated(order))
        assert await memberships(place, connection) == []
