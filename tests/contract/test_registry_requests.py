"""What every registry promises about requests: one key is one record's."""

import asyncio
from dataclasses import replace

import pytest

from domain.database import Database
from domain.errors import NameTaken, RequestKnown
from domain.request import RequestMark
from domain.states import State
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record
from tests.support.registries import MARK


def asked(nickname: str | None = None, mark: RequestMark = MARK) -> Database:
    return replace(new_record(nickname), request=mark)


async def test_a_key_that_is_known_is_refused(registry: Registry) -> None:
    first = await registry.add(asked())

    with pytest.raises(RequestKnown):
        await registry.add(asked())

    assert await registry.search(Query()) == [first]


async def test_a_key_is_known_whatever_was_asked_for(registry: Registry) -> None:
    await registry.add(asked())

    with pytest.raises(RequestKnown):
        await registry.add(asked(mark=replace(MARK, body="another body")))


async def test_a_key_is_known_on_every_target(registry: Registry) -> None:
    await registry.add(asked())

    with pytest.raises(RequestKnown):
        await registry.add(replace(asked(), target=ELSEWHERE))


async def test_a_repeated_request_is_known_before_its_name_is_taken(registry: Registry) -> None:
    """Both are in its way, and only the one means that its database can be handed out."""
    await registry.add(asked("Sales"))

    with pytest.raises(RequestKnown):
        await registry.add(asked("Sales"))


async def test_a_taken_name_is_no_known_request(registry: Registry) -> None:
    await registry.add(asked("Sales"))

    with pytest.raises(NameTaken):
        await registry.add(asked("Sales", RequestMark("another key", "body")))


async def test_a_name_that_sounds_like_a_request_is_a_name(registry: Registry) -> None:
    await registry.add(new_record("request_key"))

    with pytest.raises(NameTaken):
        await registry.add(new_record("request_key"))


async def test_records_without_a_key_are_many(registry: Registry) -> None:
    await registry.add(new_record())
    await registry.add(new_record())

    assert len(await registry.search(Query())) == 2


async def test_of_many_racing_requests_of_one_key_and_name_one_wins(registry: Registry) -> None:
    racing = [registry.add(asked("Sales")) for _ in range(10)]

    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, RequestKnown) for outcome in outcomes) == 9
    assert await registry.search(Query()) == [winner]


async def test_of_many_racing_requests_of_one_key_one_wins(registry: Registry) -> None:
    racing = [registry.add(asked()) for _ in range(10)]

    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    assert sum(isinstance(outcome, Database) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RequestKnown) for outcome in outcomes) == 9


async def test_a_record_keeps_its_key_through_its_updates(registry: Registry) -> None:
    kept = await registry.add(asked())

    updated = await registry.update(kept.moved(State.READY))

    assert updated.request == MARK


async def test_what_is_gone_still_has_its_key(registry: Registry) -> None:
    """Only time, or failure, makes a key mean something new."""
    await registry.add(replace(asked(), state=State.RETIRED))

    with pytest.raises(RequestKnown):
        await registry.add(asked())


async def test_a_key_becomes_free_when_its_record_drops_it(registry: Registry) -> None:
    kept = await registry.add(asked())
    await registry.update(replace(kept, request=None))

    assert (await registry.add(asked())).request == MARK


async def test_a_record_cannot_be_updated_to_a_key_that_is_known(registry: Registry) -> None:
    await registry.add(asked())
    kept = await registry.add(new_record())

    with pytest.raises(RequestKnown):
        await registry.update(replace(kept, request=MARK))

    assert await registry.get(kept.id) == kept


async def test_a_search_finds_the_record_of_a_key(registry: Registry) -> None:
    kept = await registry.add(asked())
    await registry.add(asked(mark=RequestMark("another key", MARK.body)))
    await registry.add(new_record())

    assert await registry.search(Query(request=MARK.key)) == [kept]
    assert await registry.search(Query(request="unknown")) == []
    assert await registry.search(Query(request="")) == []
