"""Every request to a registry on a PostgreSQL server, broken by the network or cancelled."""

from contextlib import suppress
from dataclasses import replace

import pytest

from adapters.registry.stores import Opened
from domain.api_keys import ApiKey
from domain.audit import AuditEntry
from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, QuotaReached, StaleRecord, Unavailable
from domain.rates import Rate
from domain.states import State
from ports.driven.audit_log import AuditQuery
from tests.integration.registry.proxied_registry import (
    Home,
    Site,
    added,
    break_each_request,
    hold,
    is_clean,
    of_one_more_caller,
    repeated,
)
from tests.support.fault_injection import BLOWS, SLOW, Blow
from tests.support.key_records import MADE, new_api_key, new_entry
from tests.support.polling import until
from tests.support.provision_requests import unique_name
from tests.support.records import new_record

QUOTA = 1

blows = pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))

all_blows = pytest.mark.parametrize("blow", (BLOWS | SLOW).values(), ids=list(BLOWS | SLOW))


@blows
async def test_an_add_is_complete_or_not_made(home: Home, blow: Blow) -> None:
    async def after(place: Site, new: Database, _: object) -> None:
        if not await _is_kept(home, new):
            await repeated(lambda: added(place.opened, new))

    requests = await break_each_request(home, blow, new_record, added, after)
    assert requests[-1].startswith("run INSERT")


@blows
async def test_an_update_is_complete_or_not_made(home: Home, blow: Blow) -> None:
    async def update(opened: Opened, before: Database) -> Database:
        return await opened.registry.update(before.moved(State.READY))

    async def after(place: Site, before: Database, _: object) -> None:
        found = await home.sound.registry.get(before.id)
        assert (found.state, found.version) in {(before.state, 1), (State.READY, 2)}
        await repeated(lambda: _moved_on(place.opened, before.id))

    add = home.sound.registry.add
    requests = await break_each_request(home, blow, lambda: add(new_record()), update, after)
    assert requests[-1].startswith("run UPDATE")


@blows
async def test_a_lease_is_released(home: Home, blow: Blow) -> None:
    async def after(place: Site, name: str, _: object) -> None:
        await repeated(lambda: hold(place.opened, name))
        await repeated(lambda: hold(home.sound, name))

    requests = await break_each_request(home, blow, unique_name, hold, after)
    assert requests[-1].startswith("run SELECT pg_advisory_unlock")


@all_blows
async def test_an_add_within_a_quota_is_complete_or_not_made_and_leaves_no_lock(
    home: Home, blow: Blow
) -> None:
    """The transaction has two statements, and must leave neither changes nor locks."""

    async def call(opened: Opened, new: Database) -> None:
        await added(opened, new, QUOTA)

    async def after(place: Site, new: Database, _: object) -> None:
        other = of_one_more_caller(new.caller)
        await repeated(lambda: home.sound.registry.add(other, QUOTA + 1))
        other = await home.sound.registry.get(other.id)
        await home.sound.registry.update(replace(other, state=State.FAILED))
        if not await _is_kept(home, new):
            await repeated(lambda: added(place.opened, new, QUOTA))
        assert (await home.sound.registry.get(new.id)).names == new.names
        with pytest.raises(QuotaReached):
            await place.opened.registry.add(of_one_more_caller(new.caller), QUOTA)

    requests = await break_each_request(home, blow, of_one_more_caller, call, after)
    assert sum("pg_advisory_xact_lock" in request for request in requests) == 2
    await until(lambda: is_clean(home))


@all_blows
async def test_a_new_key_is_complete_or_not_stored(home: Home, blow: Blow) -> None:
    async def add(opened: Opened, key: ApiKey) -> None:
        with suppress(NameTaken):
            await opened.keys.add(key)

    async def after(place: Site, key: ApiKey, _: object) -> None:
        if await home.sound.keys.find(key.id) is None:
            await repeated(lambda: add(place.opened, key))
        assert await home.sound.keys.find(key.id) == key

    await break_each_request(home, blow, new_api_key, add, after)


@all_blows
async def test_a_revocation_can_be_repeated(home: Home, blow: Blow) -> None:
    async def begin() -> ApiKey:
        await home.sound.keys.add(key := new_api_key())
        return key

    async def revoke(opened: Opened, key: ApiKey) -> ApiKey:
        return await opened.keys.revoke(key.id, MADE)

    async def after(place: Site, key: ApiKey, _: object) -> None:
        await repeated(lambda: revoke(place.opened, key))
        assert await home.sound.keys.find(key.id) == key.revoked(MADE)

    await break_each_request(home, blow, begin, revoke, after)


@all_blows
async def test_an_audit_event_is_complete_or_not_stored(home: Home, blow: Blow) -> None:
    async def append(opened: Opened, entry: AuditEntry) -> None:
        await opened.audit.append(entry)

    async def after(_: Site, entry: AuditEntry, __: object) -> None:
        assert await home.sound.audit.read(AuditQuery(subject=entry.subject)) in ([], [entry])

    def begin() -> AuditEntry:
        return new_entry(subject=unique_name("db"))

    await break_each_request(home, blow, begin, append, after)


@all_blows
async def test_counting_never_exceeds_the_rate(home: Home, blow: Blow) -> None:
    async def hit(opened: Opened, name: str) -> bool:
        assert opened.shared_rates
        return (await opened.shared_rates.hit(name, Rate(2, 3600))).is_granted

    async def after(place: Site, name: str, broken: object) -> None:
        assert sum([broken is True, *[await hit(home.sound, name) for _ in range(3)]]) <= 2
        await repeated(lambda: hit(place.opened, name))

    await break_each_request(home, blow, unique_name, hit, after)


async def _is_kept(home: Home, database: Database) -> bool:
    try:
        return (await home.sound.registry.get(database.id)).names == database.names
    except DatabaseNotFound:
        return False


async def _moved_on(opened: Opened, database_id: str) -> None:
    """Advance the record. The server may still execute the statement whose connection was cut."""
    found = await opened.registry.get(database_id)
    try:
        await opened.registry.update(found.moved(State.DELETING))
    except StaleRecord as error:
        raise Unavailable from error
