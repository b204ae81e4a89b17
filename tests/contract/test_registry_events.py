"""The contract of the registry: an audit event in the same transaction as a change of a record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.registry.stores import Stores
from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.errors import NameTaken, PgvendError, QuotaReached, RequestAlreadyRecorded, StaleRecord
from domain.lifecycle import State
from ports.driven.audit_log import AuditQuery
from tests.contract.test_registry_cancelled import MOMENTS, cancel_at
from tests.support.key_records import new_entry
from tests.support.records import new_record
from tests.support.registries import BEGIN, IDEMPOTENCY_KEY

Refused = Callable[[Stores, StoredAuditEvent], Awaitable[object]]
"""A change with an event that the registry refuses."""


async def test_a_change_appends_its_event(stores: Stores) -> None:
    events = [new_entry(BEGIN + timedelta(seconds=second)) for second in range(4)]

    record = await stores.registry.add(new_record(), event=events[0])
    await stores.registry.add(new_record(), quota=9, event=events[1])
    record = await stores.registry.update(record, event=events[2])
    await stores.registry.update(record, quota=9, event=events[3])

    assert await stores.audit.read(AuditQuery()) == events[::-1]


async def _add_taken_name(stores: Stores, event: StoredAuditEvent) -> None:
    await stores.registry.add(new_record("Sales"))
    await stores.registry.add(new_record("Sales"), event=event)


async def _add_beyond_quota(stores: Stores, event: StoredAuditEvent) -> None:
    await stores.registry.add(new_record(), quota=0, event=event)


async def _add_known_request(stores: Stores, event: StoredAuditEvent) -> None:
    for given in (None, event):
        record = replace(new_record(), idempotency_key=IDEMPOTENCY_KEY)
        await stores.registry.add(record, event=given)


async def _update_taken_name(stores: Stores, event: StoredAuditEvent) -> None:
    taken = await stores.registry.add(new_record())
    record = await stores.registry.add(new_record())
    await stores.registry.update(record.rename(taken.names), event=event)


async def _update_beyond_quota(stores: Stores, event: StoredAuditEvent) -> None:
    record = await stores.registry.add(new_record())
    await stores.registry.update(record, quota=0, event=event)


async def _update_stale_record(stores: Stores, event: StoredAuditEvent) -> None:
    record = await stores.registry.add(new_record())
    await stores.registry.update(record)
    await stores.registry.update(record, event=event)


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (_add_taken_name, NameTaken),
        (_add_beyond_quota, QuotaReached),
        (_add_known_request, RequestAlreadyRecorded),
        (_update_taken_name, NameTaken),
        (_update_beyond_quota, QuotaReached),
        (_update_stale_record, StaleRecord),
    ],
)
async def test_a_refused_change_appends_nothing(
    stores: Stores, refused: Refused, error: type[PgvendError]
) -> None:
    with pytest.raises(error):
        await refused(stores, new_entry())

    assert await stores.audit.read(AuditQuery()) == []
    await stores.registry.add(new_record(), event=new_entry())
    assert len(await stores.audit.read(AuditQuery())) == 1


async def test_a_cancelled_change_is_complete_with_its_event_or_absent(stores: Stores) -> None:
    for moment in MOMENTS:
        record = await stores.registry.add(new_record())
        event = new_entry(subject=record.id)

        await cancel_at(stores.registry.update(record, event=event), moment)

        found = await stores.registry.get(record.id)
        events = await stores.audit.read(AuditQuery(subject=record.id))
        assert events == ([event] if found.version > record.version else [])


async def test_of_concurrent_changes_one_appends_its_event(stores: Stores) -> None:
    record = await stores.registry.add(new_record(state=State.SPARE))
    events = [new_entry() for _ in range(20)]

    outcomes = await asyncio.gather(
        *(stores.registry.update(record, quota=30, event=event) for event in events),
        return_exceptions=True,
    )

    won = [isinstance(outcome, Database) for outcome in outcomes]
    assert await stores.audit.read(AuditQuery()) == [events[won.index(True)]]
