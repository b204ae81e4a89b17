"""Requests to a registry on a PostgreSQL server that hang or stay open too long."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.registry import postgres
from domain.errors import DatabaseNotFound, QuotaReached, Unavailable
from domain.states import State
from tests.integration.registry.proxied_registry import (
    Home,
    added,
    hold,
    is_clean,
    of_one_more_caller,
    repeated,
    site,
)
from tests.support.fault_injection import Blow, struck
from tests.support.pgproxy import Fault, How
from tests.support.records import new_record


async def test_a_statement_that_hangs_fails_one_call(home: Home) -> None:
    async with site(home, Fault(How.HELD, "prepare INSERT")) as place:
        refused = new_record()
        with pytest.raises(Unavailable):
            await place.opened.registry.add(refused)

        with pytest.raises(DatabaseNotFound):
            await place.opened.registry.get(refused.id)
        assert (await place.opened.registry.add(refused)).version == 1


async def test_an_add_that_hangs_while_it_holds_the_lock_fails_one_call(home: Home) -> None:
    fault, new = Fault(How.HELD, "prepare INSERT"), of_one_more_caller()
    async with site(home, fault) as place:
        await struck(place.opened.registry.add(new, 1), fault, Blow(How.HELD))

        await repeated(lambda: added(place.opened, new, 1))


async def test_a_lease_that_hangs_is_refused_and_is_released(home: Home) -> None:
    async with site(home, Fault(How.HELD, "prepare SELECT pg_try_advisory_lock")) as place:
        with pytest.raises(Unavailable):
            await hold(place.opened)

        await hold(place.opened)


async def test_leaving_a_lease_that_hangs_is_not_an_error(home: Home) -> None:
    fault = Fault(How.HELD, "prepare SELECT pg_advisory_unlock")
    async with site(home, fault) as place:
        await hold(place.opened)
        assert fault.reached.is_set()

        await hold(place.opened)


async def test_a_lost_server_is_reported_and_leaving_a_lease_is_not_an_error(home: Home) -> None:
    async with AsyncExitStack() as network, site(home, network=network) as place:
        kept = await place.opened.registry.add(new_record())
        async with place.opened.leases.held("before"):
            await network.aclose()

            for call in (
                hold(place.opened),
                place.opened.registry.ping(),
                place.opened.registry.update(kept.moved(State.READY)),
            ):
                with pytest.raises(Unavailable):
                    await call


async def test_closing_does_not_wait_for_a_server_that_hangs(home: Home) -> None:
    fault = Fault(How.HELD, "goodbye")
    async with asyncio.timeout(postgres.STATEMENT_TIMEOUT):
        async with site(home, fault, patience=postgres.STATEMENT_TIMEOUT) as place:
            await place.opened.registry.ping()
    assert fault.reached.is_set()


async def test_an_add_within_a_quota_leaves_its_session_as_it_was(home: Home) -> None:
    async with site(home) as place:
        await place.opened.registry.add(of_one_more_caller(), 1)
        with pytest.raises(QuotaReached):
            await place.opened.registry.add(of_one_more_caller(), quota=0)
        assert await is_clean(home)

        kept = await place.opened.registry.add(new_record())

        assert len(place.proxy.pids) == 1, "another session was used"
        assert await home.sound.registry.get(kept.id) == kept
        assert await is_clean(home)


async def test_a_replica_that_stalls_while_it_holds_the_lock_does_not_block_others(
    home: Home,
) -> None:
    """For example, a replica on a suspended machine that holds the caller's lock."""
    session = await postgres.open_session(home.url)
    try:
        assert await session.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    finally:
        await session.close()
