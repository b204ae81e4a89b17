"""Pages of records, whole while records come and go."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.registry import MemoryRegistry
from domain.database import Database
from domain.errors import InvalidPageToken
from domain.states import State
from ports.driven.registry import Registry
from ports.driving.list import ListDatabases, ListRequest
from tests.support.records import new_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


async def add(registry: Registry, second: int, **options: object) -> Database:
    made = BEGIN + timedelta(seconds=second)
    return await registry.add(new_record(made=made, **options))  # type: ignore[arg-type] # passed on


async def filled(number: int) -> tuple[Registry, list[str]]:
    """A registry of that many records, and their ids, newest first."""
    registry = MemoryRegistry()
    ids = [(await add(registry, second)).id for second in range(number)]
    return registry, ids[::-1]


async def walked(registry: Registry, size: int) -> list[list[str]]:
    """The ids on every page, page by page."""
    pages, token = [], ""
    while True:
        page = await ListDatabases(registry=registry)(ListRequest(page_token=token, page_size=size))
        pages.append([database.id for database in page.databases])
        if not (token := page.next_page_token):
            return pages


async def test_an_empty_registry_has_one_empty_page() -> None:
    assert await walked(MemoryRegistry(), 10) == [[]]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 50])
async def test_all_records_are_listed_once_and_newest_first(size: int) -> None:
    registry, ids = await filled(7)

    pages = await walked(registry, size)

    assert [id_ for page in pages for id_ in page] == ids
    assert all(len(page) == size for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= size


async def test_a_page_that_holds_exactly_the_rest_is_the_last() -> None:
    registry, ids = await filled(4)

    assert await walked(registry, 2) == [ids[:2], ids[2:]]


async def test_records_that_come_meanwhile_shift_no_page() -> None:
    registry, ids = await filled(4)
    first = await ListDatabases(registry=registry)(ListRequest(page_size=2))

    await add(registry, 99)
    second = await ListDatabases(registry=registry)(
        ListRequest(page_size=2, page_token=first.next_page_token)
    )

    assert [database.id for database in second.databases] == ids[2:]


async def test_a_page_goes_on_after_the_record_it_began_behind_has_gone() -> None:
    """It went out of the filter: nothing is listed twice, and nothing is left out."""
    registry, ids = await filled(4)
    live = frozenset({State.PROVISIONING})
    list_ = ListDatabases(registry=registry)
    first = await list_(ListRequest(states=live, page_size=2))

    await registry.update(replace(first.databases[-1], state=State.FAILED))
    second = await list_(ListRequest(states=live, page_size=2, page_token=first.next_page_token))

    assert [database.id for database in second.databases] == ids[2:]


async def test_states_and_labels_narrow_the_list() -> None:
    registry = MemoryRegistry()
    await add(registry, 1, labels={"team": "a"})
    await add(registry, 2, labels={"team": "a"}, state=State.READY)
    wanted = await add(registry, 3, labels={"team": "b", "x": "y"}, state=State.READY)

    page = await ListDatabases(registry=registry)(
        ListRequest(states=frozenset({State.READY}), labels={"team": "b"})
    )

    assert page.databases == [wanted]


async def test_filtered_pages_are_full_too() -> None:
    registry = MemoryRegistry()
    for second in range(10):
        await add(registry, second, state=State.READY if second % 2 else State.FAILED)

    page = await ListDatabases(registry=registry)(
        ListRequest(states=frozenset({State.READY}), page_size=5)
    )

    assert len(page.databases) == 5
    assert page.next_page_token == ""


@pytest.mark.parametrize(
    "token",
    ["!", "a", "====", "ZGJf\ud800", "é", "\0", "x" * 10_000]
    + [urlsafe_b64encode(text).decode() for text in (b"id", b"\xff\xfe", b" db_", b"DB_1")],
    ids=lambda token: ascii(token[:20]),
)
async def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        await ListDatabases(registry=MemoryRegistry())(ListRequest(page_token=token))


@given(st.text())
async def test_any_token_at_all_gives_a_page_or_is_refused(token: str) -> None:
    try:
        page = await ListDatabases(registry=MemoryRegistry())(ListRequest(page_token=token))
    except InvalidPageToken:
        return

    assert page.databases == []


async def test_a_token_can_stand_in_an_address() -> None:
    registry, _ = await filled(3)

    page = await ListDatabases(registry=registry)(ListRequest(page_size=1))

    assert page.next_page_token.replace("-", "").replace("_", "").replace("=", "").isalnum()
