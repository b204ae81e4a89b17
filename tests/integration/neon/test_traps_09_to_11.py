"""Neon's traps 9 to 11: neighbours, and what becomes of their sessions and belongings."""

import asyncpg
import pytest

from adapters.postgres.sessions import login_of
from domain.connection import Connection
from domain.target import Isolation
from tests.support.databases import vended
from tests.support.neon.checks import (
    left_as_it_was,
    persistently,
    requests_to,
    works,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])
SHARED = pytest.mark.parametrize("isolation", [NONE, PROJECT])


async def test_trap_09_a_role_by_sql_does_not_reach_its_neighbour(neon: RunningEmulator) -> None:
    async with (
        vending_on(neon, ROLE) as provider,
        vended(provider, new_order()) as ana,
        vended(provider, new_order()) as bob,
    ):
        assert not await _reaches(ana, bob)


async def test_trap_09_a_role_by_the_api_does(neon: RunningEmulator) -> None:
    """Which is why the answer declares it."""
    async with (
        vending_on(neon, NONE) as provider,
        vended(provider, new_order()) as ana,
        vended(provider, new_order()) as bob,
    ):
        assert await _reaches(ana, bob)


async def test_trap_09_a_project_of_its_own_keeps_neighbours_out(neon: RunningEmulator) -> None:
    async with (
        vending_on(neon, PROJECT) as provider,
        vended(provider, new_order()) as ana,
        vended(provider, new_order()) as bob,
    ):
        assert not await _reaches(ana, bob)


async def test_trap_10_a_vend_by_sql_ends_nobody_s_session(neon: RunningEmulator) -> None:
    async with vending_on(neon, ROLE) as provider, vended(provider, new_order()) as ana:
        session = await asyncpg.connect(**login_of(ana))
        try:
            async with vended(provider, new_order()):
                pass
            assert await session.fetchval("SELECT 1") == 1
        finally:
            session.terminate()


async def test_trap_10_our_own_sessions_survive_a_vend_by_the_api(neon: RunningEmulator) -> None:
    async with (
        vending_on(neon, ROLE) as by_sql,
        vending_on(neon, NONE) as by_api,
        vended(by_sql, new_order()),
        vended(by_api, new_order()),
    ):
        order = new_order()
        made = await persistently(lambda: by_sql.provision(order))
        assert await works(made)
        await persistently(lambda: by_sql.retire(order.tenant))


async def test_trap_11_a_database_goes_before_its_owner(neon: RunningEmulator) -> None:
    async with vending_on(neon, NONE) as provider:
        order = new_order()
        await provider.provision(order)
        asked = requests_to(neon)

        await provider.retire(order.tenant)

    deleted = [path.split("/")[-2] for _, path, _ in asked.changes()]
    assert deleted == ["databases", "roles"]
    assert asked.statuses() == [200, 200]


@ALL
async def test_trap_11_a_database_goes_although_somebody_is_in_it(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
        made = await provider.provision(order)
        session = await asyncpg.connect(**login_of(made))
        try:
            await persistently(lambda: provider.retire(order.tenant))
        finally:
            session.terminate()


async def _reaches(guest: Connection, host: Connection) -> bool:
    """Whether one tenant can use its login at the other's database."""
    login = {**login_of(guest), "host": host.host, "port": host.port, "database": host.database}
    try:
        session = await asyncpg.connect(**login)
    except asyncpg.PostgresError:
        return False
    session.terminate()
    return True
