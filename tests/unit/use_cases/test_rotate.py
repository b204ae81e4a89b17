"""A new password; the old one stops working."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import DatabaseNotFound, IllegalTransition, InFlight, ProviderBusy
from domain.states import State
from domain.steps import StepState, Work
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails, Holds
from tests.support.orders import deriver
from tests.support.records import new_record
from tests.support.vending import Memory

MOMENTS = ["before rotate", "after rotate"]
HOUR = timedelta(hours=1)


async def vended(memory: Memory, ttl: timedelta | None = None) -> Vended:
    return await memory.vend()(VendRequest(nickname="Sales", ttl=ttl))


async def interrupted(memory: Memory, database_id: str, moment: str) -> None:
    """A rotation that the provider failed, before or after it had happened."""
    memory.trouble = Fails({moment: [ProviderBusy("Not now.")]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(database_id)


async def test_the_new_password_works_and_the_old_one_does_not() -> None:
    memory = Memory()
    made = await vended(memory)

    rotated = await memory.rotate()(made.database.id)

    assert memory.provider.accepts(rotated.connection)
    assert not memory.provider.accepts(made.connection)


async def test_only_the_password_is_new() -> None:
    made = await vended(memory := Memory())

    rotated = await memory.rotate()(made.database.id)

    assert replace(rotated.connection, password=made.connection.password) == made.connection


async def test_each_rotation_makes_another_password_that_can_be_derived_again() -> None:
    made = await vended(memory := Memory())
    rotate = memory.rotate()

    rotated = [await rotate(made.database.id) for _ in range(3)]

    assert [one.connection.password for one in rotated] == [
        deriver(made.database.id, number) for number in (1, 2, 3)
    ]


async def test_the_record_is_ready_and_tells_of_the_rotation() -> None:
    made = await vended(memory := Memory())

    rotated = await memory.rotate()(made.database.id)

    assert rotated.database.state is State.READY
    assert rotated.database.steps[-1].name == "rotate"
    assert rotated.database.steps[-1].state is StepState.DONE
    assert await memory.only_record() == rotated.database


async def test_the_intent_is_recorded_before_the_password_changes() -> None:
    made = await vended(memory := Memory())
    seen: list[tuple[int, bool]] = []

    async def looking(moment: str) -> None:
        if moment == "before rotate":
            record = await memory.only_record()
            seen.append((record.rotation, record.is_pending(Work.ROTATE)))

    memory.trouble = looking
    await memory.rotate()(made.database.id)

    assert seen == [(1, True)]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_rotation_that_failed_is_told_with_its_reason(moment: str) -> None:
    made = await vended(memory := Memory())

    await interrupted(memory, made.database.id, moment)

    step = (await memory.only_record()).steps[-1]
    assert (step.name, step.state, step.error) == ("rotate", StepState.FAILED, "Not now.")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_rotation_that_failed_is_finished_by_the_next_call(moment: str) -> None:
    made = await vended(memory := Memory())
    await interrupted(memory, made.database.id, moment)

    rotated = await memory.rotate()(made.database.id)

    assert rotated.connection.password == deriver(made.database.id, 1)
    assert memory.provider.accepts(rotated.connection)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_rotation_that_failed_is_finished_by_the_sweep(moment: str) -> None:
    made = await vended(memory := Memory())
    await interrupted(memory, made.database.id, moment)

    await settle(memory)

    record = await memory.only_record()
    assert (record.rotation, record.is_pending(Work.ROTATE)) == (1, False)
    assert not memory.provider.accepts(made.connection)
    await assert_in_line(memory)


async def test_what_is_finished_is_not_done_again() -> None:
    made = await vended(memory := Memory())
    rotated = await memory.rotate()(made.database.id)

    assert not await memory.rotate().finish(made.database.id)
    assert await memory.only_record() == rotated.database


async def test_of_two_rotations_at_once_one_is_in_flight() -> None:
    made = await vended(memory := Memory())
    memory.trouble = hold = Holds("before rotate")
    rotating = asyncio.create_task(memory.rotate()(made.database.id))
    await hold.arrival()

    with pytest.raises(InFlight):
        await memory.replica().rotate()(made.database.id)
    assert not await memory.replica().rotate().finish(made.database.id)

    hold.let_go.set()
    assert memory.provider.accepts((await rotating).connection)


@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING, State.READY}))
async def test_only_what_is_ready_gets_a_new_password(state: State) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record(state=state))

    with pytest.raises(IllegalTransition):
        await memory.rotate()(record.id)

    assert await memory.only_record() == record


@pytest.mark.parametrize("is_at_work", [False, True])
async def test_what_is_being_made_gets_a_new_password_later(is_at_work: bool) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record())

    async with memory.leases.held(record.id if is_at_work else "another"):
        with pytest.raises(InFlight):
            await memory.rotate()(record.id)

    assert await memory.only_record() == record


async def test_what_is_over_gets_no_new_password() -> None:
    made = await vended(memory := Memory(), HOUR)
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match="is expired"):
        await memory.rotate()(made.database.id)


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await Memory().rotate()("db_unknown")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_deletion_that_comes_amid_a_rotation_wins(moment: str) -> None:
    made = await vended(memory := Memory())
    memory.trouble = hold = Holds(moment)
    rotating = asyncio.create_task(memory.rotate()(made.database.id))
    await hold.arrival()

    await memory.retire().promise(made.database.id)
    hold.let_go.set()

    with pytest.raises(IllegalTransition):
        await rotating
    await settle(memory)
    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_what_was_dropped_amid_a_rotation_is_told_to_be_gone() -> None:
    """As it goes where the lease ended with the server that kept it."""
    made = await vended(memory := Memory())
    memory.trouble = hold = Holds("before rotate")
    rotating = asyncio.create_task(memory.rotate()(made.database.id))
    await hold.arrival()

    await memory.retire().promise(made.database.id)
    await memory.provider.retire(made.database.tenant)
    hold.let_go.set()

    with pytest.raises(IllegalTransition, match="is retiring"):
        await rotating


async def test_what_is_missing_on_the_provider_alone_is_not_found() -> None:
    made = await vended(memory := Memory())
    await memory.provider.retire(made.database.tenant)

    with pytest.raises(DatabaseNotFound):
        await memory.rotate()(made.database.id)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_rotation_whose_time_ran_out_is_not_answered(moment: str) -> None:
    made = await vended(memory := Memory(), HOUR)
    memory.trouble = hold = Holds(moment)
    rotating = asyncio.create_task(memory.rotate()(made.database.id))
    await hold.arrival()

    memory.clock.moment += HOUR
    hold.let_go.set()

    with pytest.raises(IllegalTransition, match="is expired"):
        await rotating
