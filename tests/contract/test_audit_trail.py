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


async def test_it_starts_empty(trail: AuditTrail) -> None:
    assert await trail.read(AuditQuery()) == []


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

    await trail.append(entry)

    assert await trail.read(AuditQuery()) == [entry]


async def test_the_newest_is_told_first(trail: AuditTrail) -> None:
    entries = await three(trail)

    assert await trail.read(AuditQuery()) == entries


async def test_as_many_are_told_as_were_asked_for(trail: AuditTrail) -> None:
    entries = await three(trail)

    assert await trail.read(AuditQuery(limit=2)) == entries[:2]


async def test_the_next_page_begins_after_the_last_entry_of_this_one(trail: AuditTrail) -> None:
    entries = await three(trail)

    assert await trail.read(AuditQuery(before=entries[0].id, limit=1)) == entries[1:2]
    assert await trail.read(AuditQuery(before=entries[2].id)) == []


@pytest.mark.parametrize(
    ("query", "places"),
    [
        (AuditQuery(caller="ann"), (0, 2)),
        (AuditQuery(subject="db_2"), (1,)),
        (AuditQuery(subject=""), (0,)),
        (AuditQuery(caller="ann", subject="db_1"), (2,)),
        (AuditQuery(caller="bob", subject="db_1"), ()),
        (AuditQuery(caller="ANN"), ()),
        (AuditQuery(caller=""), ()),
    ],
)
async def test_only_what_matches_is_told(
    trail: AuditTrail, query: AuditQuery, places: tuple[int, ...]
) -> None:
    entries = await three(trail)

    assert await trail.read(query) == [entries[place] for place in places]


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
async def test_what_nobody_is_called_matches_nothing(trail: AuditTrail, text: str) -> None:
    await three(trail)

    assert await trail.read(AuditQuery(caller=text)) == []
    assert await trail.read(AuditQuery(subject=text)) == []


async def test_many_entries_at_once_are_all_kept(trail: AuditTrail) -> None:
    entries = [new_entry() for _ in range(30)]

    await asyncio.gather(*map(trail.append, entries))

    assert {entry.id for entry in await trail.read(AuditQuery())} == {e.id for e in entries}
