"""The contract of the registry: searches."""

from dataclasses import replace
from datetime import timedelta, timezone

from domain.database import Database
from domain.idempotency import IdempotencyKey
from domain.lifecycle import State
from domain.names import Nickname
from ports.driven.registry import Position, Query, Registry, position_of
from tests.support.records import ELSEWHERE, new_record
from tests.support.registries import BEGIN, IDEMPOTENCY_KEY, add_three

ODD_KEYS = ["a.b", "a/b", "a-b", "0", "a b", 'a"b', "a'b", "$", "$.a", "[0]", "#-1", "ä", "a\\b"]

INDIA = timezone(timedelta(hours=5, minutes=30))

IN_A_DAY = BEGIN + timedelta(days=1)


async def test_the_newest_records_come_first_in_pages(registry: Registry) -> None:
    records = await add_three(registry)
    positions = [position_of(record) for record in records]

    for query, places in [
        (Query(), (2, 1, 0)),
        (Query(limit=2), (2, 1)),
        (Query(before=positions[2]), (1, 0)),
        (Query(before=positions[1], limit=1), (0,)),
        (Query(before=positions[0]), ()),
        (Query(before=_after(records[1])), (1, 0)),  # a record that does not exist
    ]:
        assert await registry.search(query) == [records[place] for place in places], query


async def test_records_come_in_the_order_of_their_creation_not_of_their_ids(
    registry: Registry,
) -> None:
    """The id of a claimed spare is older than its creation."""
    ids = ["db_c", "db_a", "db_d", "db_b"]
    seconds = [0, 1, 1, 2]
    records = [
        await registry.add(
            replace(new_record(created_at=BEGIN + timedelta(seconds=second)), id=database_id)
        )
        for database_id, second in zip(ids, seconds, strict=True)
    ]

    for index, record in enumerate(records):
        page = Query(before=position_of(record), limit=2)
        assert await registry.search(page) == records[:index][::-1][:2]


async def test_pages_stay_stable_while_records_are_claimed(registry: Registry) -> None:
    records = await add_three(registry)
    first = await registry.search(Query(limit=1))
    claimed = replace(records[0], created_at=BEGIN + timedelta(days=1))
    await registry.update(claimed)

    assert await registry.search(Query(before=position_of(first[0]))) == [records[1]]


async def test_a_page_begins_between_two_microseconds(registry: Registry) -> None:
    moments = [BEGIN + timedelta(microseconds=step) for step in (0, 1, 2)]
    records = [await registry.add(new_record(created_at=moment)) for moment in moments]

    for moment in (moments[2], moments[2].astimezone(INDIA)):
        found = await registry.search(Query(before=Position(moment, "db_")))
        assert found == [records[1], records[0]]


async def test_a_search_returns_matching_records_only(registry: Registry) -> None:
    records: dict[str, Database] = {
        "both": new_record(labels={"team": "a", "stage": "test"}),
        "one": new_record(labels={"team": "a"}),
        "other": new_record(labels={"team": "b", "stage": "test"}),
        "alike": new_record(labels={"a_b": "50%", "number": "1", "true": "null"}),
        "mine": replace(new_record(), caller="me"),
        "hers": replace(new_record(), caller="me too"),
        "asked": replace(new_record(), idempotency_key=IDEMPOTENCY_KEY),
        "asked else": replace(
            new_record(), idempotency_key=IdempotencyKey("another key", IDEMPOTENCY_KEY.body)
        ),
        "elsewhere": new_record(target=ELSEWHERE),
        **{str(state): new_record(state=state) for state in State},
    }
    queries: list[tuple[Query, set[str]]] = [
        (Query(states=frozenset({State.READY, State.FAILED})), {State.READY, State.FAILED}),
        (_query_labels(team="a"), {"both", "one"}),
        (_query_labels(team="a", stage="test"), {"both"}),
        (_query_labels(team=""), set()),
        (_query_labels(axb="50%"), set()),
        (_query_labels(a_b="50"), set()),
        (_query_labels(A_b="50%"), set()),
        (_query_labels(number="1"), {"alike"}),
        (_query_labels(true="null"), {"alike"}),
        (Query(caller="me"), {"mine"}),
        (Query(caller="ME"), set()),
        (Query(caller=""), set()),
        (Query(target=ELSEWHERE.name), {"elsewhere"}),
        (Query(target="nowhere"), set()),
        (Query(idempotency_key=IDEMPOTENCY_KEY.key), {"asked"}),
        (Query(idempotency_key="unknown"), set()),
        (Query(idempotency_key=""), set()),
    ]
    names = {(await registry.add(record)).id: name for name, record in records.items()}

    for query, expected in queries:
        found = await registry.search(query)
        assert {names[record.id] for record in found} == expected, query


async def test_a_search_matches_labels_with_any_key(registry: Registry) -> None:
    for key in ODD_KEYS:
        labelled = await registry.add(new_record(labels={key: "1", "other": "2"}))
        await registry.add(new_record(labels={key: "2", "other": "1"}))

        assert await registry.search(_query_labels(**{key: "1"})) == [labelled], key


async def test_a_search_finds_due_records(registry: Registry) -> None:
    records = [await _add_due(registry, timedelta(microseconds=step)) for step in range(3)]
    await registry.add(replace(new_record(), wake_at=None))

    assert await registry.search(Query(due=BEGIN - timedelta(microseconds=1))) == []
    assert await registry.search(Query(due=BEGIN.replace(tzinfo=INDIA))) == []
    assert await registry.search(Query(due=BEGIN)) == [records[0]]
    assert await registry.search(Query(due=BEGIN.astimezone(INDIA))) == [records[0]]
    assert len(await registry.search(Query(due=IN_A_DAY))) == 3


async def test_due_records_come_in_pages_too(registry: Registry) -> None:
    """Ordered by creation like all pages, not by the time at which they are due."""
    records = [await _add_due(registry, timedelta(seconds=step)) for step in (2, 0, 1)]
    records.sort(key=position_of)
    due = Query(due=IN_A_DAY, limit=2)

    assert await registry.search(due) == [records[2], records[1]]
    assert await registry.search(replace(due, before=position_of(records[1]))) == [records[0]]


async def test_a_record_must_match_all_conditions(registry: Registry) -> None:
    fitting = new_record(labels={"team": "a"}, state=State.READY)
    record = await registry.add(
        replace(fitting, caller="me", idempotency_key=IDEMPOTENCY_KEY, wake_at=BEGIN)
    )
    query = Query(
        states=frozenset({State.READY}),
        labels={"team": "a"},
        caller="me",
        target=record.target.name,
        due=BEGIN,
        idempotency_key=IDEMPOTENCY_KEY.key,
        before=_after(record),
    )

    assert await registry.search(query) == [record]
    for less_fitting in (
        replace(query, states=frozenset({State.FAILED})),
        replace(query, labels={"team": "b"}),
        replace(query, caller="you"),
        replace(query, target="nowhere"),
        replace(query, due=BEGIN - timedelta(days=1)),
        replace(query, idempotency_key="another"),
        replace(query, before=position_of(record)),
    ):
        assert await registry.search(less_fitting) == []


async def test_ids_are_ordered_by_their_bytes(registry: Registry) -> None:
    """Not by a collation, which may order capitals or digits differently."""
    ids = ["db_-", "db_0", "db_A", "db_Z", "db_a", "db_aa", "db_b"]
    for database_id in ids:
        await registry.add(replace(new_record(created_at=BEGIN), id=database_id))

    found = await registry.search(Query(before=Position(BEGIN, "db_b0")))

    assert [record.id for record in found] == ids[::-1]


def _after(database: Database) -> Position:
    """Return a position directly after the record's, for a page that begins with it."""
    return Position(database.created_at, database.id + "0")


def _query_labels(**labels: str) -> Query:
    return Query(labels=labels)


async def _add_due(registry: Registry, after: timedelta) -> Database:
    return await registry.add(replace(new_record(), wake_at=BEGIN + after))


async def test_a_search_finds_exact_nicknames_and_names_of_databases(registry: Registry) -> None:
    shop, other = new_record("Shop"), new_record("Other")
    suffixed = replace(new_record("Shop"), names=Nickname("Shop").derive_names("1"))
    records = [await registry.add(record) for record in (shop, other, suffixed)]

    for text, by_nickname, by_database in [
        ("Shop", {0, 2}, set()),
        ("shop", set(), {0}),
        ("shop_1", set(), {2}),
        ("SHOP", set(), set()),
        ("", set(), set()),
        ("Shop\0", set(), set()),
        ("Shop' OR '1'='1", set(), set()),
        ("\ud800", set(), set()),
    ]:
        found = await registry.search(Query(nickname=text))
        assert {records.index(record) for record in found} == by_nickname, text
        found = await registry.search(Query(database=text))
        assert {records.index(record) for record in found} == by_database, text


async def test_a_search_by_shape_tells_databases_from_templates_and_spares(
    registry: Registry,
) -> None:
    shapes = ("", "template", "digest")
    records = [await registry.add(replace(new_record(), shape=shape)) for shape in shapes]

    for shape, record in zip(shapes, records, strict=True):
        assert await registry.search(Query(shape=shape)) == [record]
    assert await registry.search(Query(shape="other")) == []
