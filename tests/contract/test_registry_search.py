"""What every registry promises about finding records."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from domain.database import Database
from domain.states import State
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record
from tests.support.registries import BEGIN, MARK, three


async def test_the_newest_records_come_first(registry: Registry) -> None:
    kept = await three(registry)

    assert await registry.search(Query()) == kept[::-1]


async def test_a_search_ends_at_its_limit(registry: Registry) -> None:
    kept = await three(registry)

    assert await registry.search(Query(limit=2)) == [kept[2], kept[1]]


async def test_a_search_begins_behind_an_id(registry: Registry) -> None:
    kept = await three(registry)

    assert await registry.search(Query(before=kept[2].id)) == [kept[1], kept[0]]
    assert await registry.search(Query(before=kept[1].id, limit=1)) == [kept[0]]
    assert await registry.search(Query(before=kept[0].id)) == []


async def test_a_search_begins_behind_an_id_that_is_not_there(registry: Registry) -> None:
    kept = await three(registry)

    assert await registry.search(Query(before=kept[1].id + "0")) == [kept[1], kept[0]]


async def test_a_search_finds_the_states_that_it_names(registry: Registry) -> None:
    by_state = {state: await registry.add(new_record(state=state)) for state in State}
    wanted = frozenset({State.READY, State.FAILED})

    found = await registry.search(Query(states=wanted))

    assert {record.id for record in found} == {by_state[state].id for state in wanted}


async def test_a_search_finds_records_that_have_all_the_labels(registry: Registry) -> None:
    both = await registry.add(new_record(labels={"team": "a", "stage": "test"}))
    await registry.add(new_record(labels={"team": "a"}))
    await registry.add(new_record(labels={"team": "b", "stage": "test"}))
    await registry.add(new_record())

    assert await registry.search(Query(labels={"team": "a", "stage": "test"})) == [both]
    assert len(await registry.search(Query(labels={"team": "a"}))) == 2
    assert await registry.search(Query(labels={"team": ""})) == []


@pytest.mark.parametrize(
    "key", ["a.b", "a/b", "a-b", "0", "a b", 'a"b', "a'b", "$", "$.a", "[0]", "#-1", "ä", "a\\b"]
)
async def test_a_search_finds_labels_of_any_key(registry: Registry, key: str) -> None:
    labelled = await registry.add(new_record(labels={key: "1", "other": "2"}))
    await registry.add(new_record(labels={key: "2", "other": "1"}))
    await registry.add(new_record(labels={"a": "1"}))

    assert await registry.search(Query(labels={key: "1"})) == [labelled]


async def test_a_search_tells_labels_apart_that_look_alike(registry: Registry) -> None:
    await registry.add(new_record(labels={"a_b": "50%"}))

    assert await registry.search(Query(labels={"axb": "50%"})) == []
    assert await registry.search(Query(labels={"a_b": "50"})) == []
    assert await registry.search(Query(labels={"A_b": "50%"})) == []


@pytest.mark.parametrize("labels", [{"number": "1"}, {"number": "true"}, {"number": "null"}])
async def test_a_labels_value_is_text_whatever_it_looks_like(
    registry: Registry, labels: dict[str, str]
) -> None:
    labelled = await registry.add(new_record(labels=labels))

    assert await registry.search(Query(labels=labels)) == [labelled]


async def test_a_search_finds_a_callers_records(registry: Registry) -> None:
    mine = await registry.add(replace(new_record(), caller="me"))
    await registry.add(replace(new_record(), caller="me too"))

    assert await registry.search(Query(caller="me")) == [mine]
    assert await registry.search(Query(caller="ME")) == []
    assert await registry.search(Query(caller="")) == []


async def test_a_search_finds_a_targets_records(registry: Registry) -> None:
    await registry.add(new_record())
    elsewhere = await registry.add(new_record(target=ELSEWHERE))

    assert await registry.search(Query(target=ELSEWHERE.name)) == [elsewhere]
    assert await registry.search(Query(target="nowhere")) == []


async def test_a_search_finds_what_is_due(registry: Registry) -> None:
    kept = [await _waking(registry, timedelta(microseconds=step)) for step in range(3)]
    await registry.add(replace(new_record(), wake_at=None))

    assert await registry.search(Query(due=BEGIN - timedelta(microseconds=1))) == []
    assert await registry.search(Query(due=BEGIN)) == [kept[0]]
    assert len(await registry.search(Query(due=BEGIN + timedelta(days=1)))) == 3


async def test_what_is_due_comes_in_pages_too(registry: Registry) -> None:
    """By id like all others, not by the moment: a page begins after an id."""
    kept = [await _waking(registry, timedelta(seconds=step)) for step in (2, 0, 1)]
    kept.sort(key=lambda record: record.id)
    due = Query(due=BEGIN + timedelta(days=1), limit=2)

    assert await registry.search(due) == [kept[2], kept[1]]
    assert await registry.search(replace(due, before=kept[1].id)) == [kept[0]]


async def test_a_due_moment_in_another_time_zone_is_the_same(registry: Registry) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    kept = await _waking(registry, timedelta())

    assert await registry.search(Query(due=BEGIN.astimezone(india))) == [kept]
    assert await registry.search(Query(due=BEGIN.replace(tzinfo=india))) == []


async def test_all_that_a_search_asks_for_has_to_fit(registry: Registry) -> None:
    fitting = replace(
        new_record(labels={"team": "a"}, state=State.READY),
        caller="me",
        request=MARK,
        wake_at=BEGIN,
    )
    kept = await registry.add(fitting)
    query = Query(
        states=frozenset({State.READY}),
        labels={"team": "a"},
        caller="me",
        target=kept.target.name,
        due=BEGIN,
        request=MARK.key,
        before=kept.id + "0",
    )

    assert await registry.search(query) == [kept]
    for other in _less_fitting(query):
        assert await registry.search(other) == []


async def test_ids_are_in_the_order_of_their_bytes(registry: Registry) -> None:
    """No language's order, where capitals or digits may come elsewhere."""
    ids = ["db_-", "db_0", "db_A", "db_Z", "db_a", "db_aa", "db_b"]
    for database_id in ids:
        await registry.add(replace(new_record(), id=database_id))

    found = await registry.search(Query(before="db_b0"))

    assert [record.id for record in found] == ids[::-1]


def _less_fitting(query: Query) -> list[Query]:
    return [
        replace(query, states=frozenset({State.FAILED})),
        replace(query, labels={"team": "b"}),
        replace(query, caller="you"),
        replace(query, target="nowhere"),
        replace(query, due=BEGIN - timedelta(days=1)),
        replace(query, request="another"),
        replace(query, before="db_"),
    ]


async def _waking(registry: Registry, after: timedelta) -> Database:
    return await registry.add(replace(new_record(), wake_at=BEGIN + after))
