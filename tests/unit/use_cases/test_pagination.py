"""Pages of records and of the audit log while entries come and go."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.registry import MemoryRegistry
from domain.audit import PREFIX, AuditEvent
from domain.errors import InvalidPageToken
from domain.ids import is_id
from domain.lifecycle import State
from ports.use_cases.audit_events import AuditEvents, AuditRequest
from ports.use_cases.list_databases import ListDatabases, ListRequest
from ports.use_cases.pagination import encode_token, parse_token
from tests.support.clock import FakeClock
from tests.support.randomness import SeededRandomness
from tests.support.records import new_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
READY = frozenset({State.READY})

Page = tuple[list[str], str]
"""The ids, and the token of the next page."""


@dataclass
class Listed:
    """A list with pages."""

    add: Callable[[int], Awaitable[str]]
    """Adds an entry of that second and returns its id."""

    read: Callable[[str, int], Awaitable[Page]]

    async def fill(self, number: int) -> list[str]:
        """Add that many entries. Return their ids, newest first."""
        return [await self.add(second) for second in range(number)][::-1]


def databases() -> Listed:
    registry = MemoryRegistry()

    async def add(second: int) -> str:
        return (await registry.add(new_record(created_at=BEGIN + timedelta(seconds=second)))).id

    async def read(token: str, size: int) -> Page:
        page = await ListDatabases(registry=registry)(ListRequest(page_token=token, page_size=size))
        return [database.id for database in page.databases], page.next_page_token

    return Listed(add, read)


def create_audit_events() -> AuditEvents:
    return AuditEvents(audit_log=MemoryAuditLog(), clock=FakeClock(), randomness=SeededRandomness())


def entries() -> Listed:
    audit = create_audit_events()

    async def add(second: int) -> str:
        assert isinstance(audit.clock, FakeClock)
        audit.clock.moment = BEGIN + timedelta(seconds=second)
        await audit.record(AuditEvent(caller="ann", action="createDatabase"))
        return (await audit.read(AuditRequest(page_size=1))).entries[0].id

    async def read(token: str, size: int) -> Page:
        page = await audit.read(AuditRequest(page_token=token, page_size=size))
        return [entry.id for entry in page.entries], page.next_page_token

    return Listed(add, read)


@pytest.fixture(params=[databases, entries])
def listed(request: pytest.FixtureRequest) -> Listed:
    provisioned: Listed = request.param()
    return provisioned


async def test_an_empty_list_is_one_empty_page(listed: Listed) -> None:
    assert await listed.read("", 10) == ([], "")


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 50])
async def test_each_entry_is_listed_once_newest_first(listed: Listed, size: int) -> None:
    ids = await listed.fill(7)

    token = ""
    pages: list[list[str]] = []
    while token or not pages:
        page, token = await listed.read(token, size)
        pages.append(page)

    assert pages == [ids[first : first + size] for first in range(0, 7, size)]


async def test_new_entries_do_not_shift_the_pages(listed: Listed) -> None:
    ids = await listed.fill(4)
    _, token = await listed.read("", 2)

    await listed.add(99)

    assert await listed.read(token, 2) == (ids[2:], "")
    assert token.replace("-", "").replace("_", "").replace("=", "").isalnum(), "not safe in a URL"


@pytest.mark.parametrize(
    "token",
    ["!", "a", "%", "=", "====", "AAAA", "ZGJf\ud800", "é", "\0", "x" * 10_000]
    + [urlsafe_b64encode(text).decode() for text in (b"id", b"\xff\xfe", b" db_", b"DB_1", b"\0")]
    + [
        encode_token(text)
        for text in ("'; --", "aud_", "db_", "aud_" + "z" * 26, "aud_" + "0" * 25)
    ],
    ids=lambda token: ascii(token[:20]),
)
async def test_an_invalid_token_is_refused(listed: Listed, token: str) -> None:
    with pytest.raises(InvalidPageToken):
        await listed.read(token, 10)


async def test_a_token_of_another_list_is_refused() -> None:
    for one, other in ((databases(), entries()), (entries(), databases())):
        await one.fill(2)
        _, token = await one.read("", 1)
        with pytest.raises(InvalidPageToken):
            await other.read(token, 1)


@given(st.text(min_size=1), st.sampled_from(["db_", PREFIX]))
def test_every_token_holds_an_id_or_is_refused(token: str, prefix: str) -> None:
    try:
        found = parse_token(token, prefix)
    except InvalidPageToken:
        return
    assert found
    assert is_id(found, prefix)


async def list_filtered(registry: MemoryRegistry, **more: Any) -> tuple[list[str], str]:
    page = await ListDatabases(registry=registry)(ListRequest(states=READY, **more))
    return [database.id for database in page.databases], page.next_page_token


async def test_a_page_continues_after_its_first_record_has_left_the_filter() -> None:
    """No entry is listed twice, and none is missing."""
    registry = MemoryRegistry()
    records = [
        await registry.add(
            new_record(state=State.READY, created_at=BEGIN + timedelta(seconds=second))
        )
        for second in range(4)
    ]
    _, token = await list_filtered(registry, page_size=2)

    await registry.update(replace(records[2], state=State.FAILED))

    assert await list_filtered(registry, page_size=2, page_token=token) == (
        [records[1].id, records[0].id],
        "",
    )


async def test_a_filtered_list_has_full_pages() -> None:
    registry = MemoryRegistry()
    for number in range(10):
        labels = {"team": "ab"[number % 2], "x": "y"}
        state = State.READY if number % 4 < 2 else State.FAILED
        created_at = BEGIN + timedelta(seconds=number)
        await registry.add(
            new_record(str(number), labels=labels, state=state, created_at=created_at)
        )

    page, token = await list_filtered(registry, labels={"team": "b"}, page_size=3)

    assert [(await registry.get(id_)).nickname.text for id_ in page] == ["9", "5", "1"]
    assert token == ""


async def test_recorded_audit_events_can_be_read() -> None:
    audit = create_audit_events()
    event = {"caller": "ann", "key": "pgv_00000000", "action": "deleteDatabase", "subject": "db_1"}
    event |= {"address": "192.0.2.1", "request_id": "r", "outcome": "forbidden"}

    await audit.record(AuditEvent(**event))

    [entry] = (await audit.read(AuditRequest())).entries
    assert event == {name: getattr(entry, name) for name in event}
    assert entry.at == audit.clock.now()
    assert is_id(entry.id, "aud_")


async def test_audit_events_can_be_filtered_by_caller_and_subject() -> None:
    audit = create_audit_events()
    for number in range(5):
        caller = "ann" if number % 2 else "bob"
        await audit.clock.sleep(1)
        await audit.record(
            AuditEvent(caller=caller, action="createDatabase", subject=f"db_{number}")
        )

    anns = await audit.read(AuditRequest(caller="ann", page_size=1))
    more = await audit.read(AuditRequest(caller="ann", page_token=anns.next_page_token))
    one = await audit.read(AuditRequest(subject="db_2"))

    subjects = [[entry.subject for entry in page.entries] for page in (anns, more, one)]
    assert subjects == [["db_3"], ["db_1"], ["db_2"]]
