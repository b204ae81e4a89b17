"""The contract of the registry: quotas."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    NameTaken,
    QuotaReached,
    RequestAlreadyRecorded,
    StaleRecord,
)
from domain.idempotency import IdempotencyKey
from domain.lifecycle import LIVE, State
from ports.driven.registry import Query, Registry, position_of
from tests.support.records import ELSEWHERE, new_record
from tests.support.registries import IDEMPOTENCY_KEY


def create_anns_record(
    nickname: str | None = None,
    *,
    state: State = State.PROVISIONING,
    mark: IdempotencyKey | None = None,
) -> Database:
    return replace(new_record(nickname, state=state), caller="ann", idempotency_key=mark)


async def test_a_quota_bounds_the_records_of_a_caller(registry: Registry) -> None:
    records = [await registry.add(create_anns_record(), quota=2) for _ in range(2)]

    with pytest.raises(QuotaReached) as caught:
        await registry.add(create_anns_record(), quota=2)

    assert caught.value.quota == 2
    assert await registry.search(Query()) == sorted(records, key=position_of, reverse=True)


async def test_a_record_within_a_quota_is_stored_completely(registry: Registry) -> None:
    new = replace(
        create_anns_record(mark=IDEMPOTENCY_KEY),
        labels={"team": "a"},
        extensions=("vector",),
        secret="one",
    )

    record = await registry.add(new, quota=1)

    assert record == replace(new, version=record.version)
    assert await registry.get(record.id) == record


async def test_a_quota_of_zero_allows_nothing_and_none_allows_all(registry: Registry) -> None:
    with pytest.raises(QuotaReached):
        await registry.add(create_anns_record(), quota=0)
    assert await registry.search(Query()) == []

    for _ in range(2):
        await registry.add(create_anns_record())
    assert len(await registry.search(Query())) == 2


@pytest.mark.parametrize("state", State)
async def test_live_records_count_towards_the_quota(registry: Registry, state: State) -> None:
    await registry.add(create_anns_record(state=state))

    with pytest.raises(QuotaReached) if state in LIVE else nullcontext():
        await registry.add(create_anns_record(), quota=1)


async def test_a_record_that_is_gone_does_not_count(registry: Registry) -> None:
    record = await registry.add(create_anns_record(), quota=1)
    await registry.update(replace(record, state=State.DELETED))

    assert (await registry.add(create_anns_record(), quota=1)).version == 1


async def test_records_of_other_callers_do_not_count(registry: Registry) -> None:
    for caller in ("bob", "Ann", "ann ", "an", "ann%"):
        await registry.add(replace(new_record(), caller=caller))

    assert (await registry.add(create_anns_record(), quota=1)).version == 1


async def test_the_records_that_a_quota_counts_are_counted(registry: Registry) -> None:
    for state in State:
        await registry.add(create_anns_record(state=state))
    await registry.add(replace(create_anns_record(), target=ELSEWHERE))
    await registry.add(replace(new_record(), caller="bob"))

    assert await registry.count_live("ann") == len(LIVE) + 1
    assert await registry.count_live("carl") == 0


async def test_records_on_other_targets_count(registry: Registry) -> None:
    await registry.add(replace(create_anns_record(), target=ELSEWHERE))

    with pytest.raises(QuotaReached):
        await registry.add(create_anns_record(), quota=1)


@pytest.mark.parametrize("quota", [1, 9])
async def test_a_repeated_request_is_known_even_if_the_quota_is_reached(
    registry: Registry, quota: int
) -> None:
    await registry.add(create_anns_record("Sales", mark=IDEMPOTENCY_KEY), quota=quota)

    with pytest.raises(RequestAlreadyRecorded):
        await registry.add(create_anns_record("Sales", mark=IDEMPOTENCY_KEY), quota=quota)
    with pytest.raises(QuotaReached if quota == 1 else NameTaken):
        await registry.add(
            create_anns_record("Sales", mark=IdempotencyKey("another key", IDEMPOTENCY_KEY.body)),
            quota=quota,
        )


async def test_a_taken_name_does_not_count(registry: Registry) -> None:
    await registry.add(create_anns_record("Sales"), quota=2)

    with pytest.raises(NameTaken):
        await registry.add(create_anns_record("Sales"), quota=2)

    assert (await registry.add(create_anns_record(), quota=2)).version == 1


async def test_of_concurrent_calls_one_takes_the_last_place(registry: Registry) -> None:
    await registry.add(create_anns_record())
    for there_are, racing in enumerate(
        (2, 20, 2), start=1
    ):  # repeated, since one success may be chance
        assert await _count_successes(registry, racing, quota=there_are + 1) == 1
        assert len(await registry.search(Query())) == there_are + 1


async def test_concurrent_calls_of_two_callers_use_their_own_quotas(registry: Registry) -> None:
    theirs = [replace(new_record(), caller="bob") for _ in range(10)]

    won, outcomes = await asyncio.gather(
        _count_successes(registry, 10, quota=3),
        asyncio.gather(
            *(registry.add(record, quota=4) for record in theirs), return_exceptions=True
        ),
    )

    assert won == 3
    assert sum(isinstance(outcome, Database) for outcome in outcomes) == 4


async def test_a_quota_bounds_the_records_that_a_caller_takes_over(registry: Registry) -> None:
    await registry.add(create_anns_record())
    spare = await _add_spare(registry)

    with pytest.raises(QuotaReached) as caught:
        await registry.update(replace(spare, caller="ann"), quota=1)

    assert caught.value.quota == 1
    assert await registry.get(spare.id) == spare
    taken = await registry.update(replace(spare, caller="ann"), quota=2)
    assert (taken.caller, taken.version) == ("ann", spare.version + 1)


async def test_a_refused_update_within_a_quota_says_why(registry: Registry) -> None:
    known = await registry.add(create_anns_record("Sales", mark=IDEMPOTENCY_KEY))
    spare = replace(await _add_spare(registry), caller="ann")
    spare = await registry.update(spare)

    for quota in (2, 9):
        with pytest.raises(RequestAlreadyRecorded):
            await registry.update(replace(spare, idempotency_key=IDEMPOTENCY_KEY), quota=quota)
        with pytest.raises(StaleRecord):
            await registry.update(replace(spare, version=1), quota=quota)
        with pytest.raises(DatabaseNotFound):
            await registry.update(create_anns_record(), quota=quota)
    with pytest.raises(NameTaken):
        await registry.update(replace(spare, names=known.names), quota=9)


async def test_of_concurrent_updates_one_takes_the_last_place(registry: Registry) -> None:
    spares = [replace(await _add_spare(registry), caller="ann") for _ in range(10)]
    mixed = [registry.update(spare, quota=3) for spare in spares]
    mixed += [registry.add(create_anns_record(), quota=3) for _ in range(10)]

    assert await _count_calls_that_succeed(mixed) == 3

    assert len(await registry.search(Query(caller="ann"))) == 3


async def test_callers_who_claim_the_same_spare_get_it_once(registry: Registry) -> None:
    spare = await _add_spare(registry)
    claims = [replace(spare, caller=f"caller {number}") for number in range(20)]

    outcomes = await asyncio.gather(
        *(registry.update(claim, quota=1) for claim in claims), return_exceptions=True
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, StaleRecord) for outcome in outcomes) == 19
    assert await registry.get(spare.id) == winner


async def _add_spare(registry: Registry) -> Database:
    return await registry.add(replace(new_record(state=State.SPARE), caller="pgvend", shape="one"))


async def _count_successes(registry: Registry, racing: int, quota: int) -> int:
    """Return how many calls succeeded; check that the others raised QuotaReached."""
    return await _count_calls_that_succeed(
        [registry.add(create_anns_record(), quota) for _ in range(racing)]
    )


async def _count_calls_that_succeed(calls: Sequence[Coroutine[Any, Any, Database]]) -> int:
    racing = len(calls)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    won = sum(isinstance(outcome, Database) for outcome in outcomes)
    assert sum(isinstance(outcome, QuotaReached) for outcome in outcomes) == racing - won, outcomes
    return won


async def test_records_are_counted_by_their_state(registry: Registry) -> None:
    for state in State:
        await registry.add(create_anns_record(state=state))
    await registry.add(replace(create_anns_record(state=State.READY), target=ELSEWHERE))

    counts = await registry.count_states()

    assert counts == dict.fromkeys(LIVE, 1) | {State.READY: 2}


async def test_states_without_records_count_none(registry: Registry) -> None:
    assert await registry.count_states() == dict.fromkeys(LIVE, 0)
