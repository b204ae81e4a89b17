"""What every registry promises about the audit trail: it only grows."""

import asyncio
from datetime import timedelta

import pytest

from adapters.registry.opening import Opened
from domain.audit import AuditEntry
from ports.driven.audit import AuditQuery, AuditTrail
from tests.support.key_records import MADE, new_entry

STRANGE = ["'", "%", "\0", "\ud800", "db_\0", "x" * 10_000, "😀"]


@pytest.fixture
def trail(opened: Opened) -> AuditTrail:
    return opened.audit


async def three(trail: AuditTrail) -> list[AuditEntry]:
    """Appended in another order than they were made in; returned with the newest first."""
    made = [
        new_entry(MADE + timedelta(seconds=second), caller=caller, subject=subject)
        for second, (caller, subject) in enumerate([("ann", "db_1"), ("bob", "db_2"), ("ann", "")])
    ]
    for index in (1, 2, 0):
        await trail.append(made[index])
    return made[::-1]


async def test_an_entry_is_kept_as_given(trail: AuditTrail) -> None:
    entry = new_entry(
        caller="ann@app.example",
        key="pgv_00000000",
        action="rotatePassword",
        subject="db_1",
        address="2001:db8::1",
        request_id="a.b_c-1",
        outcome="quota_reached",
    )

    assert await trail.read(AuditQuery()) == []

    await trail.append(entry)

    assert await trail.read(AuditQuery()) == [entry]


async def test_the_newest_entries_are_told_first_in_pages(trail: AuditTrail) -> None:
    entries = await three(trail)

    assert await trail.read(AuditQuery()) == entries
    assert await trail.read(AuditQuery(limit=2)) == entries[:2]
    assert await trail.read(AuditQuery(before=entries[0].id, limit=1)) == entries[1:2]
    assert await trail.read(AuditQuery(before=entries[2].id)) == []


async def test_only_what_matches_is_told(trail: AuditTrail) -> None:
    entries = await three(trail)

    for query, places in {
        AuditQuery(caller="ann"): (0, 2),
        AuditQuery(subject="db_2"): (1,),
        AuditQuery(subject=""): (0,),
        AuditQuery(caller="ann", subject="db_1"): (2,),
        AuditQuery(caller="bob", subject="db_1"): (),
        AuditQuery(caller="ANN"): (),
        AuditQuery(caller=""): (),
        **{AuditQuery(caller=text): () for text in STRANGE},
        **{AuditQuery(subject=text): () for text in STRANGE},
    }.items():
        assert await trail.read(query) == [entries[place] for place in places], query


async def test_many_entries_at_once_are_all_kept(trail: AuditTrail) -> None:
    entries = [new_entry() for _ in range(30)]

    await asyncio.gather(*map(trail.append, entries))

    assert {entry.id for entry in await trail.read(AuditQuery())} == {e.id for e in entries}
