"""What every registry promises: one suite over all of them, bare and decorated.

A registry joins by an entry in `KINDS`: an async generator that opens it empty, yields it, and
closes it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import structlog

from adapters.decorators.observed import ObservedRegistry
from adapters.memory.registry import MemoryRegistry
from domain.database import Database, State, StepState
from domain.errors import DatabaseNotFound, NameTaken, StaleRecord
from domain.naming import Names, Nickname
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

Opened = Callable[[], AsyncIterator[Registry]]


async def _memory() -> AsyncIterator[Registry]:
    yield MemoryRegistry()


async def _memory_decorated() -> AsyncIterator[Registry]:
    yield ObservedRegistry(MemoryRegistry(), structlog.get_logger())


KINDS: dict[str, Opened] = {
    "memory": _memory,
    "memory-decorated": _memory_decorated,
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[Registry]:
    async for opened in cast("Opened", request.param)():
        yield opened


async def test_it_answers_a_ping(registry: Registry) -> None:
    await registry.ping()


async def test_it_starts_empty(registry: Registry) -> None:
    assert await registry.search(Query()) == []


async def test_a_new_record_is_kept_as_given_with_its_first_version(registry: Registry) -> None:
    new = replace(
        new_record(labels={"team": "a", "empty": ""}),
        nickname="Ünïted 🐘 '\"\\",
        extensions=("vector", "citext"),
        expires_at=BEGIN + timedelta(days=1, microseconds=1),
        rotation=3,
    )

    kept = await registry.add(new)

    assert kept == replace(new, version=kept.version)
    assert kept.version > new.version


async def test_what_was_kept_can_be_read(registry: Registry) -> None:
    kept = await registry.add(new_record())

    assert await registry.get(kept.id) == kept


@pytest.mark.parametrize("database_id", ["db_unknown", "", "'", "%"])
async def test_what_was_not_kept_is_not_found(registry: Registry, database_id: str) -> None:
    await registry.add(new_record())

    with pytest.raises(DatabaseNotFound):
        await registry.get(database_id)


async def test_an_update_replaces_the_record_under_the_next_version(registry: Registry) -> None:
    kept = await registry.add(new_record())
    changed = replace(
        kept.moved(State.READY).with_step("provision", StepState.DONE, BEGIN),
        labels={"new": "label"},
        expires_at=BEGIN,
        rotation=1,
    )

    updated = await registry.update(changed)

    assert updated == replace(changed, version=updated.version)
    assert updated.version > kept.version
    assert await registry.get(kept.id) == updated


async def test_what_is_not_there_cannot_be_updated(registry: Registry) -> None:
    with pytest.raises(DatabaseNotFound):
        await registry.update(new_record())

    assert await registry.search(Query()) == []


async def test_an_update_of_an_old_version_is_refused(registry: Registry) -> None:
    old = await registry.add(new_record())
    current = await registry.update(old.moved(State.READY))

    with pytest.raises(StaleRecord):
        await registry.update(old.moved(State.FAILED))

    assert await registry.get(old.id) == current


async def test_of_two_racing_updates_one_wins(registry: Registry) -> None:
    kept = await registry.add(new_record())

    outcomes = await asyncio.gather(
        registry.update(kept.moved(State.READY)),
        registry.update(kept.moved(State.RETIRING)),
        return_exceptions=True,
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert [type(outcome) for outcome in outcomes if outcome is not winner] == [StaleRecord]
    assert await registry.get(kept.id) == winner


async def test_a_name_that_is_in_use_is_refused(registry: Registry) -> None:
    first = await registry.add(new_record("Sales"))

    with pytest.raises(NameTaken):
        await registry.add(new_record("sales"))

    assert await registry.search(Query()) == [first]


@pytest.mark.parametrize(
    "names", [Names("sales", "user_other"), Names("other", "user_sales")], ids=["database", "owner"]
)
async def test_the_database_and_the_owner_are_each_unique(registry: Registry, names: Names) -> None:
    await registry.add(new_record("Sales"))

    with pytest.raises(NameTaken):
        await registry.add(replace(new_record(), names=names))


async def test_of_many_racing_records_of_one_name_one_wins(registry: Registry) -> None:
    racing = [registry.add(new_record("Sales")) for _ in range(10)]

    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 9
    assert await registry.search(Query()) == [winner]


async def test_another_target_has_names_of_its_own(registry: Registry) -> None:
    await registry.add(new_record("Sales"))

    elsewhere = await registry.add(new_record("Sales", target=ELSEWHERE))

    assert elsewhere.names.database == "sales"


@pytest.mark.parametrize("state", [State.FAILED, State.RETIRED])
async def test_the_names_of_what_is_gone_are_free(registry: Registry, state: State) -> None:
    await registry.add(new_record("Sales", state=state))
    await registry.add(new_record("Sales", state=state))

    assert (await registry.add(new_record("Sales"))).names.database == "sales"


@pytest.mark.parametrize("state", [State.PROVISIONING, State.READY, State.EXPIRED, State.RETIRING])
async def test_the_names_of_what_is_left_are_not_free(registry: Registry, state: State) -> None:
    await registry.add(new_record("Sales", state=state))

    with pytest.raises(NameTaken):
        await registry.add(new_record("Sales"))


async def test_names_become_free_by_an_update(registry: Registry) -> None:
    first = await registry.add(new_record("Sales"))
    await registry.update(first.moved(State.FAILED))

    assert (await registry.add(new_record("Sales"))).names.database == "sales"


async def test_a_record_can_be_renamed_to_what_is_free(registry: Registry) -> None:
    kept = await registry.add(new_record("Sales"))

    renamed = await registry.update(kept.renamed(Nickname("Other").names()))

    assert renamed.names.database == "other"
    assert (await registry.add(new_record("Sales"))).names.database == "sales"


async def test_a_record_cannot_be_renamed_to_what_is_in_use(registry: Registry) -> None:
    await registry.add(new_record("Sales"))
    kept = await registry.add(new_record("Other"))

    with pytest.raises(NameTaken):
        await registry.update(kept.renamed(Nickname("Sales").names()))

    assert await registry.get(kept.id) == kept


async def test_what_is_gone_may_be_updated_under_a_name_that_is_in_use_again(
    registry: Registry,
) -> None:
    gone = await registry.add(new_record("Sales", state=State.FAILED))
    await registry.add(new_record("Sales"))

    await registry.update(replace(gone, labels={"late": "label"}))

    assert (await registry.get(gone.id)).labels == {"late": "label"}


async def test_the_callers_labels_are_copied(registry: Registry) -> None:
    labels = {"team": "a"}
    kept = await registry.add(new_record(labels=labels))

    labels["team"] = "b"

    assert (await registry.get(kept.id)).labels == {"team": "a"}
    assert kept.labels == {"team": "a"}


async def test_what_was_read_does_not_change_with_the_registry(registry: Registry) -> None:
    kept = await registry.add(new_record())
    before = replace(kept)

    await registry.update(kept.moved(State.READY))

    assert kept == before


async def test_the_newest_records_come_first(registry: Registry) -> None:
    kept = await _three(registry)

    assert await registry.search(Query()) == kept[::-1]


async def test_a_search_ends_at_its_limit(registry: Registry) -> None:
    kept = await _three(registry)

    assert await registry.search(Query(limit=2)) == [kept[2], kept[1]]


async def test_a_search_begins_behind_an_id(registry: Registry) -> None:
    kept = await _three(registry)

    assert await registry.search(Query(before=kept[2].id)) == [kept[1], kept[0]]
    assert await registry.search(Query(before=kept[1].id, limit=1)) == [kept[0]]
    assert await registry.search(Query(before=kept[0].id)) == []


async def test_a_search_begins_behind_an_id_that_is_not_there(registry: Registry) -> None:
    kept = await _three(registry)

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


async def test_a_search_tells_labels_apart_that_look_alike(registry: Registry) -> None:
    await registry.add(new_record(labels={"a_b": "50%"}))

    assert await registry.search(Query(labels={"axb": "50%"})) == []
    assert await registry.search(Query(labels={"a_b": "50"})) == []
    assert await registry.search(Query(labels={"A_b": "50%"})) == []


async def _three(registry: Registry) -> list[Database]:
    """Kept in another order than they were made in; returned in the order they were made in."""
    made = [new_record(made=BEGIN + timedelta(seconds=second)) for second in range(3)]
    kept = {index: await registry.add(made[index]) for index in (1, 2, 0)}
    return [kept[index] for index in range(3)]
