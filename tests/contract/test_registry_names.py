"""What every registry promises about names: no two records that are not gone share one."""

import asyncio
from dataclasses import replace

import pytest

from domain.database import Database
from domain.errors import NameTaken
from domain.naming import Names, Nickname
from domain.states import GONE, LIVE, State
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record


@pytest.mark.parametrize("state", sorted(LIVE))
async def test_the_names_of_what_is_left_are_not_free(registry: Registry, state: State) -> None:
    first = await registry.add(new_record("Sales", state=state))

    for names in (
        Nickname("sales").names(),
        Names("sales", "user_other"),
        Names("other", "user_sales"),
    ):
        with pytest.raises(NameTaken):
            await registry.add(replace(new_record(), names=names))

    assert await registry.search(Query()) == [first]


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


@pytest.mark.parametrize("state", sorted(GONE))
async def test_the_names_of_what_is_gone_are_free(registry: Registry, state: State) -> None:
    """And its record can be updated under them when another one has them."""
    gone = await registry.add(new_record("Sales", state=state))
    await registry.add(new_record("Sales", state=state))
    live = await registry.add(new_record("Sales"))
    await registry.update(replace(gone, labels={"late": "label"}))
    assert (await registry.get(gone.id)).labels == {"late": "label"}

    await registry.update(replace(live, state=state))

    assert (await registry.add(new_record("Sales"))).names.database == "sales"


async def test_a_record_can_be_renamed_to_what_is_free(registry: Registry) -> None:
    kept = await registry.add(new_record("Sales"))

    renamed = await registry.update(kept.renamed(Nickname("Other").names()))

    assert renamed.names.database == "other"
    assert (await registry.add(new_record("Sales"))).names.database == "sales"
    with pytest.raises(NameTaken):
        await registry.update(renamed.renamed(Nickname("Sales").names()))
    assert await registry.get(kept.id) == renamed
