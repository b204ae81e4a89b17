"""The contract of the registry: the list of changes, by the time of the registry."""

from dataclasses import replace

from ports.driven.registry import OVERLAP, Query, Registry
from tests.support.records import new_record


async def test_added_and_updated_records_are_listed_with_their_versions(registry: Registry) -> None:
    begin = (await registry.list_changes()).until
    one, other = await registry.add(new_record()), await registry.add(new_record())
    other = await registry.update(replace(other, labels={"a": "b"}))

    changes = await registry.list_changes(begin)

    assert changes.versions == {one.id: 1, other.id: 2}
    assert changes.until >= begin


async def test_changes_in_the_overlap_are_listed_again_and_earlier_ones_are_not(
    registry: Registry,
) -> None:
    added = await registry.add(new_record())
    changes = await registry.list_changes()
    assert changes.versions == {added.id: 1}
    assert (await registry.list_changes(changes.until)).versions == {added.id: 1}
    assert (await registry.list_changes(changes.until + OVERLAP)).versions == {}


async def test_the_period_ends_now_also_without_changes(registry: Registry) -> None:
    first = await registry.list_changes()
    assert first.versions == {}
    assert (await registry.list_changes(first.until)).until >= first.until


async def test_records_are_found_by_several_ids(registry: Registry) -> None:
    one, other, _ = [await registry.add(new_record()) for _ in range(3)]
    found = await registry.search(Query(ids=frozenset({one.id, other.id, "db_none"})))
    assert {record.id for record in found} == {one.id, other.id}
    assert await registry.search(Query(ids=frozenset())) == []
