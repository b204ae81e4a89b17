"""Every request of a registry on a PostgreSQL server, broken: by the network, or by its caller."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.registry import postgres
from adapters.registry.opening import Opened
from domain.errors import DatabaseNotFound, StaleRecord, Unavailable
from domain.states import State
from tests.integration.registry.wire import Home, added, repeated, requests_of, site
from tests.support.faults import BLOWS, Blow, assert_ours, at_every, struck
from tests.support.orders import unique_name
from tests.support.pgproxy import Fault, How
from tests.support.records import new_record


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_an_add_that_is_broken_is_whole_or_not_made(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        new, fault = new_record(), Fault(blow.how, at)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.registry.add(new), fault, blow))
            try:
                assert (await home.sound.registry.get(new.id)).names == new.names
            except DatabaseNotFound:
                await repeated(lambda: added(place.opened, new))

    requests = await requests_of(home, lambda opened: opened.registry.add(new_record()))
    assert requests[-1].startswith("run INSERT")
    await at_every(requests, case, blow)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_an_update_that_is_broken_is_whole_or_not_made(home: Home, blow: Blow) -> None:
    kept = await home.sound.registry.add(new_record())

    async def case(at: int) -> None:
        before, fault = await home.sound.registry.add(new_record()), Fault(blow.how, at)
        after = before.moved(State.READY)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.registry.update(after), fault, blow))
            found = await home.sound.registry.get(before.id)
            assert (found.state, found.version) in {(before.state, 1), (after.state, 2)}
            await repeated(lambda: _moved_on(place.opened, before.id))

    requests = await requests_of(home, lambda opened: opened.registry.update(kept))
    assert requests[-1].startswith("run UPDATE")
    await at_every(requests, case, blow)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_a_lease_that_is_broken_does_not_stay(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        fault, name = Fault(blow.how, at), unique_name("lease")
        async with site(home, fault) as place:
            assert_ours(await struck(_hold(place.opened, name), fault, blow))
            await repeated(lambda: _hold(place.opened, name))
            await repeated(lambda: _hold(home.sound, name))

    requests = await requests_of(home, _hold)
    assert requests[-1].startswith("run SELECT pg_advisory_unlock")
    await at_every(requests, case, blow)


async def test_a_statement_that_hangs_ends_and_costs_one_call(home: Home) -> None:
    fault = Fault(How.HELD, "prepare INSERT")
    async with site(home, fault) as place:
        refused = new_record()
        with pytest.raises(Unavailable):
            await place.opened.registry.add(refused)

        with pytest.raises(DatabaseNotFound):
            await place.opened.registry.get(refused.id)
        assert (await place.opened.registry.add(refused)).version == 1


async def test_a_lease_that_hangs_is_refused_and_does_not_stay(home: Home) -> None:
    fault = Fault(How.HELD, "prepare SELECT pg_try_advisory_lock")
    async with site(home, fault) as place:
        with pytest.raises(Unavailable):
            await _hold(place.opened)

        await _hold(place.opened)


async def test_leaving_a_lease_that_hangs_is_no_error(home: Home) -> None:
    fault = Fault(How.HELD, "prepare SELECT pg_advisory_unlock")
    async with site(home, fault) as place:
        await _hold(place.opened)
        assert fault.reached.is_set()

        await _hold(place.opened)


async def test_a_server_that_is_gone_is_told_and_leaving_a_lease_is_no_error(home: Home) -> None:
    async with AsyncExitStack() as network, site(home, network=network) as place:
        kept = await place.opened.registry.add(new_record())
        async with place.opened.leases.held("before"):
            await network.aclose()

            with pytest.raises(Unavailable):
                await _hold(place.opened)
            with pytest.raises(Unavailable):
                await place.opened.registry.ping()
            with pytest.raises(Unavailable):
                await place.opened.registry.update(kept.moved(State.READY))


async def test_closing_does_not_wait_for_a_server_that_hangs(home: Home) -> None:
    fault = Fault(How.HELD, "goodbye")
    async with asyncio.timeout(postgres.STATEMENT_TIMEOUT):
        async with site(home, fault, patience=postgres.STATEMENT_TIMEOUT) as place:
            await place.opened.registry.ping()
    assert fault.reached.is_set()


async def _moved_on(opened: Opened, database_id: str) -> None:
    """What the server had got when the connection was cut may still be done meanwhile."""
    found = await opened.registry.get(database_id)
    try:
        await opened.registry.update(found.moved(State.RETIRING))
    except StaleRecord as error:
        raise Unavailable from error


async def _hold(opened: Opened, name: str = "work") -> None:
    async with opened.leases.held(name) as is_mine:
        if not is_mine:
            raise Unavailable
