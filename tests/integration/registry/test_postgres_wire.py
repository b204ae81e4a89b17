"""Every request of a registry on a PostgreSQL server, broken: by the network, or by its caller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from adapters.registry import postgres
from adapters.registry.leases import PostgresLeases
from adapters.registry.opening import Opened, opened_postgres
from adapters.registry.registry import SqlRegistry
from domain.database import State
from domain.errors import DatabaseNotFound, StaleRecord, Unavailable
from tests.support.faults import BLOWS, Blow, assert_ours, at_every, struck
from tests.support.orders import unique_name
from tests.support.pgproxy import Fault, How, Proxy, Streams, proxy
from tests.support.polling import until
from tests.support.records import new_record
from tests.support.registries import own_database
from tests.support.servers import OperatorsServer

IMPATIENT = 0.3
"""Seconds that a statement gets where it is known to hang."""


@dataclass(frozen=True)
class Home:
    """A registry's database, and the way around all trouble."""

    server: OperatorsServer
    url: str
    sound: Opened


@dataclass(frozen=True)
class Site:
    """The same registry behind a proxy, with no session opened yet."""

    opened: Opened
    proxy: Proxy


@pytest.fixture
async def home(server_18: OperatorsServer) -> AsyncIterator[Home]:
    async with own_database(server_18) as url, opened_postgres(url) as sound:
        yield Home(server_18, url, sound)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_an_add_that_is_broken_is_whole_or_not_made(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        new, fault = new_record(), Fault(blow.how, at)
        async with _site(home, fault) as site:
            assert_ours(await struck(site.opened.registry.add(new), fault, blow))
            try:
                assert (await home.sound.registry.get(new.id)).names == new.names
            except DatabaseNotFound:
                await _repeated(lambda: site.opened.registry.add(new))

    requests = await _requests(home, lambda opened: opened.registry.add(new_record()))
    assert requests[-1].startswith("run INSERT")
    await at_every(requests, case, blow)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_an_update_that_is_broken_is_whole_or_not_made(home: Home, blow: Blow) -> None:
    kept = await home.sound.registry.add(new_record())

    async def case(at: int) -> None:
        before, fault = await home.sound.registry.add(new_record()), Fault(blow.how, at)
        after = before.moved(State.READY)
        async with _site(home, fault) as site:
            assert_ours(await struck(site.opened.registry.update(after), fault, blow))
            found = await home.sound.registry.get(before.id)
            assert (found.state, found.version) in {(before.state, 1), (after.state, 2)}
            await _repeated(lambda: _moved_on(site.opened, before.id))

    requests = await _requests(home, lambda opened: opened.registry.update(kept))
    assert requests[-1].startswith("run UPDATE")
    await at_every(requests, case, blow)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))
async def test_a_lease_that_is_broken_does_not_stay(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        fault, name = Fault(blow.how, at), unique_name("lease")
        async with _site(home, fault) as site:
            assert_ours(await struck(_hold(site.opened, name), fault, blow))
            await _repeated(lambda: _hold(site.opened, name))
            await _repeated(lambda: _hold(home.sound, name))

    requests = await _requests(home, _hold)
    assert requests[-1].startswith("run SELECT pg_advisory_unlock")
    await at_every(requests, case, blow)


async def test_a_statement_that_hangs_ends_and_costs_one_call(home: Home) -> None:
    fault = Fault(How.HELD, "prepare INSERT")
    async with _site(home, fault) as site:
        refused = new_record()
        with pytest.raises(Unavailable):
            await site.opened.registry.add(refused)

        with pytest.raises(DatabaseNotFound):
            await site.opened.registry.get(refused.id)
        assert (await site.opened.registry.add(refused)).version == 1


async def test_a_lease_that_hangs_is_refused_and_does_not_stay(home: Home) -> None:
    fault = Fault(How.HELD, "prepare SELECT pg_try_advisory_lock")
    async with _site(home, fault) as site:
        with pytest.raises(Unavailable):
            await _hold(site.opened)

        await _hold(site.opened)


async def test_leaving_a_lease_that_hangs_is_no_error(home: Home) -> None:
    fault = Fault(How.HELD, "prepare SELECT pg_advisory_unlock")
    async with _site(home, fault) as site:
        await _hold(site.opened)
        assert fault.reached.is_set()

        await _hold(site.opened)


async def test_a_server_that_is_gone_is_told_and_leaving_a_lease_is_no_error(home: Home) -> None:
    async with AsyncExitStack() as network, _site(home, network=network) as site:
        kept = await site.opened.registry.add(new_record())
        async with site.opened.leases.held("before"):
            await network.aclose()

            with pytest.raises(Unavailable):
                await _hold(site.opened)
            with pytest.raises(Unavailable):
                await site.opened.registry.ping()
            with pytest.raises(Unavailable):
                await site.opened.registry.update(kept.moved(State.READY))


async def test_closing_does_not_wait_for_a_server_that_hangs(home: Home) -> None:
    fault = Fault(How.HELD, "goodbye")
    async with asyncio.timeout(postgres.STATEMENT_TIMEOUT):
        async with _site(home, fault, patience=postgres.STATEMENT_TIMEOUT) as site:
            await site.opened.registry.ping()
    assert fault.reached.is_set()


@asynccontextmanager
async def _site(
    home: Home,
    fault: Fault | None = None,
    network: AsyncExitStack | None = None,
    patience: float = IMPATIENT,
) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        between = await (network or stack).enter_async_context(proxy(_to(home.server), fault))
        way = home.url.replace(f":{home.server.port}/", f":{between.port}/") + "?sslmode=disable"
        engine = postgres.engine_of(way, patience)
        stack.push_async_callback(engine.dispose)
        leases = PostgresLeases(partial(postgres.session, way, patience=patience))
        stack.push_async_callback(leases.close)
        yield Site(Opened(SqlRegistry(engine, engine), leases), between)


def _to(server: OperatorsServer) -> Callable[[str], Awaitable[Streams]]:
    return lambda _: asyncio.open_connection("127.0.0.1", server.port)


async def _requests(home: Home, call: Callable[[Opened], Awaitable[object]]) -> list[str]:
    """What a call asks of the server, login and all, when nothing breaks it."""
    async with _site(home) as whole:
        await call(whole.opened)
        return list(whole.proxy.requests)


async def _moved_on(opened: Opened, database_id: str) -> None:
    """What the server had got when the connection was cut may still be done meanwhile."""
    found = await opened.registry.get(database_id)
    try:
        await opened.registry.update(found.moved(State.RETIRING))
    except StaleRecord as error:
        raise Unavailable from error


async def _repeated(call: Callable[[], Awaitable[object]]) -> None:
    """It works again, at the latest when the server has noticed what was cut off."""

    async def works() -> bool:
        try:
            await call()
        except Unavailable:
            return False
        return True

    await until(works)


async def _hold(opened: Opened, name: str = "work") -> None:
    async with opened.leases.held(name) as is_mine:
        if not is_mine:
            raise Unavailable
