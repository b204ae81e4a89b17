"""Every request to a registry on a PostgreSQL server, broken by the network or cancelled."""

from contextlib import suppress
from dataclasses import replace

import pytest

from adapters.registry.stores import Stores
from domain.api_keys import ApiKey
from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, QuotaReached, StaleRecord, Unavailable
from domain.lifecycle import State
from domain.rates import Rate
from ports.driven.audit_log import AuditQuery
from tests.integration.registry.proxied_registry import (
    ProxiedRegistry,
    RegistryDatabase,
    acquire_lease,
    add_or_confirm,
    break_each_request,
    is_clean,
    new_record_of,
    retry_until_success,
)
from tests.support.fault_injection import INJECTIONS, SLOW_INJECTIONS, Injection
from tests.support.key_records import CREATED_AT, new_api_key, new_entry
from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.records import new_record

QUOTA = 1

injections = pytest.mark.parametrize("injection", INJECTIONS.values(), ids=list(INJECTIONS))

all_injections = pytest.mark.parametrize(
    "injection", (INJECTIONS | SLOW_INJECTIONS).values(), ids=list(INJECTIONS | SLOW_INJECTIONS)
)


@injections
async def test_an_add_is_complete_or_not_stored(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def after(proxied: ProxiedRegistry, new: Database, _: object) -> None:
        if not await _is_kept(registry_db, new):
            await retry_until_success(lambda: add_or_confirm(proxied.stores, new))

    requests = await break_each_request(registry_db, injection, new_record, add_or_confirm, after)
    assert requests[-1].startswith("run INSERT")


@injections
async def test_an_update_is_complete_or_not_stored(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def update(stores: Stores, before: Database) -> Database:
        return await stores.registry.update(before.transition_to(State.READY))

    async def after(proxied: ProxiedRegistry, before: Database, _: object) -> None:
        found = await registry_db.direct.registry.get(before.id)
        assert (found.state, found.version) in {(before.state, 1), (State.READY, 2)}
        await retry_until_success(lambda: _advance(proxied.stores, before.id))

    add = registry_db.direct.registry.add
    requests = await break_each_request(
        registry_db, injection, lambda: add(new_record()), update, after
    )
    assert requests[-1].startswith("run UPDATE")


@injections
async def test_a_lease_is_released(registry_db: RegistryDatabase, injection: Injection) -> None:
    async def after(proxied: ProxiedRegistry, name: str, _: object) -> None:
        await retry_until_success(lambda: acquire_lease(proxied.stores, name))
        await retry_until_success(lambda: acquire_lease(registry_db.direct, name))

    requests = await break_each_request(registry_db, injection, unique_name, acquire_lease, after)
    assert requests[-1].startswith("run SELECT pg_advisory_unlock")


@all_injections
async def test_an_add_within_a_quota_is_complete_or_not_stored_and_leaves_no_lock(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    """The transaction has two statements, and must leave neither changes nor locks."""

    async def call(stores: Stores, new: Database) -> None:
        await add_or_confirm(stores, new, QUOTA)

    async def after(proxied: ProxiedRegistry, new: Database, _: object) -> None:
        other = new_record_of(new.caller)
        await retry_until_success(lambda: registry_db.direct.registry.add(other, QUOTA + 1))
        other = await registry_db.direct.registry.get(other.id)
        await registry_db.direct.registry.update(replace(other, state=State.FAILED))
        if not await _is_kept(registry_db, new):
            await retry_until_success(lambda: add_or_confirm(proxied.stores, new, QUOTA))
        assert (await registry_db.direct.registry.get(new.id)).names == new.names
        with pytest.raises(QuotaReached):
            await proxied.stores.registry.add(new_record_of(new.caller), QUOTA)

    requests = await break_each_request(registry_db, injection, new_record_of, call, after)
    assert sum("pg_advisory_xact_lock" in request for request in requests) == 2
    await wait_until(lambda: is_clean(registry_db))


@all_injections
async def test_a_new_key_is_complete_or_not_stored(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def add(stores: Stores, key: ApiKey) -> None:
        with suppress(NameTaken):
            await stores.keys.add(key)

    async def after(proxied: ProxiedRegistry, key: ApiKey, _: object) -> None:
        if await registry_db.direct.keys.find(key.id) is None:
            await retry_until_success(lambda: add(proxied.stores, key))
        assert await registry_db.direct.keys.find(key.id) == key

    await break_each_request(registry_db, injection, new_api_key, add, after)


@all_injections
async def test_a_revocation_can_be_repeated(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def create() -> ApiKey:
        await registry_db.direct.keys.add(key := new_api_key())
        return key

    async def revoke(stores: Stores, key: ApiKey) -> ApiKey:
        return await stores.keys.revoke(key.id, CREATED_AT)

    async def after(proxied: ProxiedRegistry, key: ApiKey, _: object) -> None:
        await retry_until_success(lambda: revoke(proxied.stores, key))
        assert await registry_db.direct.keys.find(key.id) == key.revoke(CREATED_AT)

    await break_each_request(registry_db, injection, create, revoke, after)


@all_injections
async def test_an_audit_event_is_complete_or_not_stored(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def append(stores: Stores, entry: StoredAuditEvent) -> None:
        await stores.audit.append(entry)

    async def after(_: ProxiedRegistry, entry: StoredAuditEvent, __: object) -> None:
        assert await registry_db.direct.audit.read(AuditQuery(subject=entry.subject)) in (
            [],
            [entry],
        )

    def create() -> StoredAuditEvent:
        return new_entry(subject=unique_name("db"))

    await break_each_request(registry_db, injection, create, append, after)


@all_injections
async def test_counting_never_exceeds_the_rate(
    registry_db: RegistryDatabase, injection: Injection
) -> None:
    async def hit(stores: Stores, name: str) -> bool:
        assert stores.shared_rate_limiter
        return (await stores.shared_rate_limiter.hit(name, Rate(2, 3600))).is_granted

    async def after(proxied: ProxiedRegistry, name: str, broken: object) -> None:
        assert sum([broken is True, *[await hit(registry_db.direct, name) for _ in range(3)]]) <= 2
        await retry_until_success(lambda: hit(proxied.stores, name))

    await break_each_request(registry_db, injection, unique_name, hit, after)


async def _is_kept(registry_db: RegistryDatabase, database: Database) -> bool:
    try:
        return (await registry_db.direct.registry.get(database.id)).names == database.names
    except DatabaseNotFound:
        return False


async def _advance(stores: Stores, database_id: str) -> None:
    """Advance the record. The server may still execute the statement whose connection was cut."""
    found = await stores.registry.get(database_id)
    try:
        await stores.registry.update(found.transition_to(State.DELETING))
    except StaleRecord as error:
        raise Unavailable from error
