"""The contract of the registry: unique names and request keys."""

import asyncio
from dataclasses import replace

import pytest

from domain.database import Database
from domain.errors import NameTaken, RequestAlreadyRecorded
from domain.idempotency import IdempotencyKey
from domain.lifecycle import GONE, LIVE, State
from domain.names import Nickname, PgNames
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record
from tests.support.registries import IDEMPOTENCY_KEY


@pytest.mark.parametrize("state", sorted(LIVE))
async def test_the_names_of_a_live_record_are_taken(registry: Registry, state: State) -> None:
    first = await registry.add(new_record("Sales", state=state))

    for names in (
        Nickname("sales").derive_names(),
        PgNames("sales", "user_other"),
        PgNames("other", "user_sales"),
    ):
        with pytest.raises(NameTaken):
            await registry.add(replace(new_record(), names=names))

    assert await registry.search(Query()) == [first]


async def test_of_concurrent_records_with_one_name_one_succeeds(registry: Registry) -> None:
    racing = [registry.add(new_record("Sales")) for _ in range(10)]

    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 9
    assert await registry.search(Query()) == [winner]


async def test_names_are_unique_per_target(registry: Registry) -> None:
    await registry.add(new_record("Sales"))

    elsewhere = await registry.add(new_record("Sales", target=ELSEWHERE))

    assert elsewhere.names.database == "sales"


@pytest.mark.parametrize("state", sorted(GONE))
async def test_the_names_of_a_record_that_is_gone_are_free(
    registry: Registry, state: State
) -> None:
    """Its record can still be updated after another one took them."""
    gone_record = await registry.add(new_record("Sales", state=state))
    await registry.add(new_record("Sales", state=state))
    live = await registry.add(new_record("Sales"))
    await registry.update(replace(gone_record, labels={"late": "label"}))
    assert (await registry.get(gone_record.id)).labels == {"late": "label"}

    await registry.update(replace(live, state=state))

    assert (await registry.add(new_record("Sales"))).names.database == "sales"


async def test_a_record_can_take_a_free_name(registry: Registry) -> None:
    record = await registry.add(new_record("Sales"))

    rename = await registry.update(record.rename(Nickname("Other").derive_names()))

    assert rename.names.database == "other"
    assert (await registry.add(new_record("Sales"))).names.database == "sales"
    with pytest.raises(NameTaken):
        await registry.update(rename.rename(Nickname("Sales").derive_names()))
    assert await registry.get(record.id) == rename


OTHER_MARK = IdempotencyKey("another key", "body")


def create_keyed_record(
    nickname: str | None = None, mark: IdempotencyKey = IDEMPOTENCY_KEY
) -> Database:
    return replace(new_record(nickname), idempotency_key=mark)


@pytest.mark.parametrize("state", [State.PROVISIONING, State.DELETED])
async def test_a_request_key_is_known_in_every_state(registry: Registry, state: State) -> None:
    """Only time or a failure frees the request key of a record that is gone."""
    first = await registry.add(replace(create_keyed_record("Sales"), state=state))

    for again in (
        create_keyed_record(),
        create_keyed_record("Sales"),  # the known key counts before the taken name
        create_keyed_record(mark=replace(IDEMPOTENCY_KEY, body="another body")),
        replace(create_keyed_record(), target=ELSEWHERE),
    ):
        with pytest.raises(RequestAlreadyRecorded):
            await registry.add(again)

    assert await registry.search(Query()) == [first]


async def test_a_taken_name_is_not_a_known_request(registry: Registry) -> None:
    await registry.add(create_keyed_record("Sales"))
    await registry.add(new_record("request_key"))

    for taken in (create_keyed_record("Sales", OTHER_MARK), new_record("request_key")):
        with pytest.raises(NameTaken):
            await registry.add(taken)


@pytest.mark.parametrize("nickname", ["Sales", None])
async def test_of_concurrent_requests_with_one_key_one_succeeds(
    registry: Registry, nickname: str | None
) -> None:
    racing = [registry.add(create_keyed_record(nickname)) for _ in range(10)]

    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, RequestAlreadyRecorded) for outcome in outcomes) == 9
    assert await registry.search(Query()) == [winner]


async def test_a_record_keeps_its_request_key_until_it_gives_it_up(registry: Registry) -> None:
    record = await registry.update(
        (await registry.add(create_keyed_record())).transition_to(State.READY)
    )
    assert record.idempotency_key == IDEMPOTENCY_KEY

    await registry.update(replace(record, idempotency_key=None))

    assert (await registry.add(create_keyed_record())).idempotency_key == IDEMPOTENCY_KEY


async def test_a_record_cannot_take_a_known_request_key(registry: Registry) -> None:
    await registry.add(create_keyed_record())
    record = await registry.add(new_record())

    with pytest.raises(RequestAlreadyRecorded):
        await registry.update(replace(record, idempotency_key=IDEMPOTENCY_KEY))

    assert await registry.get(record.id) == record
