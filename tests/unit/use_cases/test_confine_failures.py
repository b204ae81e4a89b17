"""A database that grows too large where something fails, or somebody else is at it too."""

import asyncio
from datetime import timedelta

import pytest

from adapters.memory.provider import EMPTY
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.sizes import NOTICE
from domain.states import State
from domain.steps import FIRST_PAUSE
from domain.upkeep import SETTLED, Upkeep
from ports.driving.change import ChangeRequest
from ports.driving.sweep import DONE, WOULD
from tests.support.acts import LIMIT
from tests.support.aftermath import found
from tests.support.doubles import Fails, Holds
from tests.support.drifted import told, vended
from tests.support.growing import TOO_LARGE, confined, grown
from tests.support.orders import deriver
from tests.support.vending import Memory


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
async def test_a_confinement_that_fails_is_told_and_tried_again_after_a_pause(
    error: type[ProviderBusy] | type[ProviderRejected],
) -> None:
    made = await grown(memory := Memory(limit=LIMIT))
    await found(memory)
    memory.clock.moment += NOTICE
    memory.trouble = Fails({"before confine": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await found(memory)] == [(error.code, "No.")]
    assert await found(memory) == [], "it did not rest"
    memory.clock.moment += FIRST_PAUSE

    assert told(await memory.sweep()(drift=False)) == [(Upkeep.CONFINE, DONE)]
    assert memory.provider.is_read_only(made.tenant)


async def test_a_rotation_amid_a_confinement_does_not_let_it_be_forgotten() -> None:
    made = await grown(memory := Memory(limit=LIMIT))
    await found(memory)
    memory.clock.moment += NOTICE
    memory.trouble = Fails({"before confine": [ProviderBusy()]})
    await found(memory)

    await memory.rotate()(made.id)
    await memory.change()(made.id, ChangeRequest(ttl=timedelta(days=9)))

    assert told(await memory.sweep()(drift=False)) == [(Upkeep.CONFINE, DONE)]
    assert memory.provider.is_read_only(made.tenant)


async def test_where_nothing_can_be_measured_that_is_told_and_nothing_is_done() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.trouble = Fails({"measures": [Unavailable("Not now.")]})

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.MEASURE, "unavailable")
    assert memory.provider.is_read_only(made.tenant)


async def test_where_nothing_can_be_compared_sizes_count_all_the_same() -> None:
    await grown(memory := Memory(limit=LIMIT))
    memory.trouble = Fails({"inventory": [Unavailable()]})

    assert told(await found(memory)) == [
        (Upkeep.COMPARE, "unavailable"),
        (Upkeep.WARN, DONE),
    ]


async def test_a_look_at_what_would_be_done_changes_nothing() -> None:
    await grown(memory := Memory(limit=LIMIT))
    before = await memory.records()

    assert told(await found(memory, dry_run=True)) == [(Upkeep.WARN, WOULD)]
    assert await memory.records() == before


async def test_two_who_sweep_at_once_warn_once() -> None:
    await grown(memory := Memory(limit=LIMIT))
    first, second = await memory.confine()(), await memory.replica().confine()()

    done = [await chore.do() for chore in (*first, *second) if chore.do]

    assert done == [True, False]
    assert [step.name for step in (await memory.only_record()).history].count("warn") == 1


async def test_what_is_to_be_dropped_meanwhile_is_not_touched() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.provider.fill(made.id, EMPTY)
    [chore] = await memory.confine()()
    await memory.retire().promise(made.id)

    assert chore.do is not None
    assert await chore.do() is False
    assert (await memory.only_record()).state is State.RETIRING


async def test_what_is_adopted_is_measured_too() -> None:
    memory = Memory(limit=LIMIT)
    made = await vended(memory)
    other = Memory(limit=LIMIT)
    await other.provider.provision(made.order(deriver))
    other.provider.fill(made.id, TOO_LARGE)
    other.clock.moment += SETTLED

    assert told(await found(other)) == [(Upkeep.ADOPT, DONE), (Upkeep.WARN, DONE)]


async def test_what_is_to_be_dropped_while_it_is_confined_is_dropped() -> None:
    made = await grown(memory := Memory(limit=LIMIT))
    await found(memory)
    memory.clock.moment += NOTICE
    memory.trouble = inside = Holds("before confine")
    sweeping = asyncio.ensure_future(found(memory))
    await inside.arrival()

    await memory.retire().promise(made.id)
    inside.let_go.set()
    await sweeping

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert await memory.held() == set()
