"""What every registry promises about names: no two records that are not gone share one."""

import asyncio
from dataclasses import replace

import pytest

from domain.database import Database
from domain.errors import NameTaken
from domain.naming import Names, Nickname
from domain.states import State
from ports.driven.registry import Query, Registry
from tests.support.records import ELSEWHERE, new_record


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
    await registry.update(replace(first, state=State.FAILED))

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
