"""Every request of what a registry on a PostgreSQL server counts, broken: an `add` within a quota
is a transaction of two statements, of which nothing may be left over."""

from collections.abc import Awaitable
from dataclasses import replace

import pytest

from adapters.registry import postgres
from adapters.registry.opening import Opened
from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, QuotaReached
from domain.rate import Rate
from ports.driven.audit import AuditQuery
from tests.integration.registry.wire import Home, added, repeated, requests_of, site
from tests.support.faults import BLOWS, SLOW, Blow, assert_ours, at_every, struck
from tests.support.key_records import MADE, new_api_key, new_entry
from tests.support.orders import unique_name
from tests.support.pgproxy import Fault, How
from tests.support.polling import until
from tests.support.records import new_record
from tests.support.registries import sql

QUOTA = 1

EVERY = BLOWS | SLOW

blows = pytest.mark.parametrize("blow", EVERY.values(), ids=list(EVERY))

LEFT_OVER = """
SELECT query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'
UNION ALL
SELECT locktype FROM pg_locks
JOIN pg_database ON pg_database.oid = pg_locks.database AND datname = current_database()
WHERE locktype = 'advisory'
"""


@blows
async def test_an_add_within_a_quota_is_whole_or_not_made(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        new, fault = of_one_more_caller(), Fault(blow.how, at)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.registry.add(new, QUOTA), fault, blow))
            if not await _is_kept(home, new):
                await repeated(lambda: added(place.opened, new, QUOTA))
            assert (await home.sound.registry.get(new.id)).names == new.names
            with pytest.raises(QuotaReached):
                await place.opened.registry.add(replace(new, id=new_record().id), QUOTA)

    requests = await requests_of(home, lambda opened: added(opened, of_one_more_caller(), QUOTA))
    assert sum("pg_advisory_xact_lock" in request for request in requests) == 2
    await at_every(requests, case, blow)
    await until(lambda: _nothing_is_left(home))


@blows
async def test_a_caller_is_not_locked_out_by_a_call_that_was_cut_off(
    home: Home, blow: Blow
) -> None:
    async def case(at: int) -> None:
        new, fault = of_one_more_caller(), Fault(blow.how, at)
        async with site(home, fault) as place:
            await struck(place.opened.registry.add(new, QUOTA), fault, blow)
            another = replace(new_record(), caller=new.caller)
            await repeated(lambda: home.sound.registry.add(another, QUOTA + 1))

    requests = await requests_of(home, lambda opened: added(opened, of_one_more_caller(), QUOTA))
    await at_every(requests, case, blow)


async def test_after_an_add_within_a_quota_its_session_commits_by_itself_again(home: Home) -> None:
    async with site(home) as place:
        await place.opened.registry.add(of_one_more_caller(), QUOTA)
        kept = await place.opened.registry.add(new_record())

        assert len(place.proxy.pids) == 1, "another session was used"
        assert await home.sound.registry.get(kept.id) == kept
        assert await _nothing_is_left(home)


async def test_an_add_that_a_quota_refuses_leaves_nothing_open(home: Home) -> None:
    async with site(home) as place:
        with pytest.raises(QuotaReached):
            await place.opened.registry.add(of_one_more_caller(), quota=0)

        assert await _nothing_is_left(home)


async def test_an_add_that_hangs_in_its_turn_ends_and_costs_one_call(home: Home) -> None:
    fault, new = Fault(How.HELD, "prepare INSERT"), of_one_more_caller()
    async with site(home, fault) as place:
        assert_ours(await struck(place.opened.registry.add(new, QUOTA), fault, Blow(How.HELD)))

        await repeated(lambda: added(place.opened, new, QUOTA))


async def test_whoever_stands_still_in_its_turn_does_not_keep_others_waiting(home: Home) -> None:
    """A replica whose machine was halted, say, while it had the caller's lock."""
    session = await postgres.session(home.url)
    try:
        assert await session.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    finally:
        await session.close()


@blows
async def test_a_new_key_that_is_broken_is_whole_or_not_kept(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        key, fault = new_api_key(), Fault(blow.how, at)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.keys.add(key), fault, blow))
            if await home.sound.keys.find(key.id) is None:
                await repeated(lambda: _once(place.opened.keys.add(key)))
            assert await home.sound.keys.find(key.id) == key

    requests = await requests_of(home, lambda opened: opened.keys.add(new_api_key()))
    await at_every(requests, case, blow)


@blows
async def test_a_revocation_that_is_broken_can_be_repeated(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        key, fault = new_api_key(), Fault(blow.how, at)
        await home.sound.keys.add(key)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.keys.revoke(key.id, MADE), fault, blow))
            await repeated(lambda: place.opened.keys.revoke(key.id, MADE))
            assert await home.sound.keys.find(key.id) == key.revoked(MADE)

    kept = new_api_key()
    await home.sound.keys.add(kept)
    requests = await requests_of(home, lambda opened: opened.keys.revoke(kept.id, MADE))
    await at_every(requests, case, blow)


@blows
async def test_an_entry_that_is_broken_is_whole_or_not_kept(home: Home, blow: Blow) -> None:
    async def case(at: int) -> None:
        entry, fault = new_entry(subject=unique_name("db")), Fault(blow.how, at)
        async with site(home, fault) as place:
            assert_ours(await struck(place.opened.audit.append(entry), fault, blow))
            kept = await home.sound.audit.read(AuditQuery(subject=entry.subject))
            assert kept in ([], [entry])

    requests = await requests_of(home, lambda opened: opened.audit.append(new_entry()))
    await at_every(requests, case, blow)


@blows
async def test_counting_that_is_broken_grants_nothing_beyond_the_rate(
    home: Home, blow: Blow
) -> None:
    async def case(at: int) -> None:
        name, fault = unique_name("ann"), Fault(blow.how, at)
        async with site(home, fault) as place:
            broken = await struck(_hit(place.opened, name), fault, blow)
            assert_ours(broken)
            assert home.sound.shared_rates
            left = [await home.sound.shared_rates.hit(name, Rate(2, 3600)) for _ in range(3)]
            told = [broken] * (broken is True) + [hit.is_granted for hit in left]
            assert sum(told) <= 2
            await repeated(lambda: _hit(place.opened, name))

    requests = await requests_of(home, lambda opened: _hit(opened, unique_name("ann")))
    await at_every(requests, case, blow)


def of_one_more_caller() -> Database:
    return replace(new_record(), caller=unique_name("ann"))


async def _once(adding: Awaitable[None]) -> None:
    try:
        await adding
    except NameTaken:
        return


async def _is_kept(home: Home, database: Database) -> bool:
    try:
        await home.sound.registry.get(database.id)
    except DatabaseNotFound:
        return False
    return True


async def _hit(opened: Opened, name: str) -> bool:
    assert opened.shared_rates
    return (await opened.shared_rates.hit(name, Rate(2, 3600))).is_granted


async def _nothing_is_left(home: Home) -> bool:
    return not await sql(home.url, LEFT_OVER)
