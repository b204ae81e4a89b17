"""A nickname in, a working database out."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import InvalidDuration, InvalidLabels, InvalidNickname
from domain.expiry import ExpiryPolicy
from domain.states import State
from domain.steps import StepState
from ports.driving.vend import VendRequest
from tests.support.orders import deriver
from tests.support.records import TARGET
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales Data 2024")


async def test_a_vended_database_takes_its_login() -> None:
    memory = Memory()

    vended = await memory.vend()(SALES)

    assert memory.provider.accepts(vended.connection)


async def test_a_vended_database_is_ready_and_recorded_as_handed_out() -> None:
    memory = Memory()

    vended = await memory.vend()(SALES)

    assert vended.database.state is State.READY
    assert await memory.only_record() == vended.database


async def test_the_record_says_what_was_asked_for() -> None:
    memory = Memory()
    request = VendRequest(
        nickname="Sales Data 2024",
        ttl=timedelta(hours=1),
        labels={"team": "sales"},
        extensions=("vector", "vector"),
    )

    record = (await memory.vend()(request)).database

    assert record.nickname == "Sales Data 2024"
    assert record.target == TARGET
    assert record.labels == {"team": "sales"}
    assert record.extensions == ("vector",)
    assert record.created_at == memory.clock.now()
    assert record.expires_at == memory.clock.now() + timedelta(hours=1)


async def test_the_names_are_those_of_the_original_service() -> None:
    vended = await Memory().vend()(SALES)

    assert vended.connection.database == "salesdata2024"
    assert vended.connection.user == "user_salesdata2024"


async def test_every_step_is_done_in_the_end() -> None:
    vended = await Memory().vend()(SALES)

    steps = [(step.name, step.state) for step in vended.database.steps]
    assert steps == [("provision", StepState.DONE), ("verify", StepState.DONE)]


async def test_the_intent_is_recorded_before_the_provider_is_touched() -> None:
    memory = Memory()
    seen: list[tuple[State, tuple[str, ...]]] = []

    async def looking(moment: str) -> None:
        if moment == "before provision":
            record = await memory.only_record()
            seen.append((record.state, tuple(step.name for step in record.steps)))

    memory.trouble = looking
    await memory.vend()(SALES)

    assert seen == [(State.PROVISIONING, ("provision",))]


async def test_the_password_can_be_derived_again() -> None:
    vended = await Memory().vend()(SALES)

    assert vended.connection.password == deriver(vended.database.id, 0)


async def test_no_password_is_in_the_record_or_in_what_is_printed() -> None:
    vended = await Memory().vend()(SALES)

    password = vended.connection.password.reveal()
    assert password not in repr(vended)
    assert password not in repr(vended.database)


async def test_the_operators_default_decides_when_a_database_ends() -> None:
    memory = Memory(expiry=ExpiryPolicy(default=timedelta(days=7)))

    vended = await memory.vend()(SALES)

    assert vended.database.expires_at == memory.clock.now() + timedelta(days=7)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (VendRequest(nickname="!?"), InvalidNickname),
        (VendRequest(nickname="x", labels={"": "value"}), InvalidLabels),
        (VendRequest(nickname="x", ttl=timedelta(days=8)), InvalidDuration),
    ],
)
async def test_bad_input_leaves_no_trace(request_: VendRequest, error: type[Exception]) -> None:
    memory = Memory(expiry=ExpiryPolicy(longest=timedelta(days=7)))

    with pytest.raises(error):
        await memory.vend()(request_)

    assert await memory.records() == []
    assert await memory.held() == set()


async def test_vends_that_race_for_one_nickname_get_databases_of_their_own() -> None:
    memory = Memory(trouble=_give_way)
    vend = memory.vend()

    vended = await asyncio.gather(*(vend(SALES) for _ in range(20)))

    assert len({one.connection.database for one in vended}) == 20
    assert len({one.connection.user for one in vended}) == 20
    assert all(memory.provider.accepts(one.connection) for one in vended)
    assert await memory.held() == {one.database.id for one in vended}


async def _give_way(moment: str) -> None:
    await asyncio.sleep(0)
