"""A database that grows too large: warned, made read-only, released when it has room again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from adapters.memory.provider import EMPTY
from domain.database import Database
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.sizes import NOTICE, SizeLimit, is_read_only
from domain.states import State
from domain.steps import FIRST_PAUSE
from domain.upkeep import SETTLED, Upkeep
from ports.driving.change import ChangeRequest
from ports.driving.sweep import DONE, TOLD
from tests.support.acts import LIMIT
from tests.support.aftermath import assert_in_line, found
from tests.support.doubles import Fails
from tests.support.drifted import told, vended
from tests.support.orders import deriver
from tests.support.vending import GRACE, HOUR, Memory

TOO_LARGE = 2 * LIMIT.size


@pytest.fixture
def memory() -> Memory:
    return Memory(limit=LIMIT)


@pytest.fixture
async def grown(memory: Memory) -> Database:
    """A database over the limit that nobody has looked at yet."""
    made = await vended(memory, ttl=9 * HOUR)
    memory.provider.fill(made.id, TOO_LARGE)
    return made


@pytest.fixture
async def warned(memory: Memory, grown: Database) -> Database:
    """A database whose warning has stood for its time."""
    assert told(await found(memory, GRACE)) == [(Upkeep.WARN, DONE)]
    memory.clock.moment += NOTICE
    return grown


@pytest.fixture
async def confined(memory: Memory, warned: Database) -> Database:
    assert told(await found(memory, GRACE)) == [(Upkeep.CONFINE, DONE)]
    return warned


async def assert_read_only(memory: Memory, made: Database, *, expected: bool = True) -> None:
    assert memory.provider.is_read_only(made.tenant) == expected
    assert is_read_only(await memory.registry.get(made.id)) == expected


async def test_what_is_too_large_is_warned_once(memory: Memory, grown: Database) -> None:
    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.WARN, DONE)
    assert finding.detail == "It has 32MB; the limit is 16MB."
    assert [step.name for step in (await memory.only_record()).steps][-1] == "warn"
    assert await found(memory) == [], "replicas may look one right after the other"
    await assert_read_only(memory, grown, expected=False)


async def test_what_stays_too_large_becomes_read_only(memory: Memory, confined: Database) -> None:
    record = await memory.only_record()
    await assert_read_only(memory, confined)
    assert (record.state, record.is_at_rest) == (State.READY, True)
    assert record.wake_at == record.expires_at
    await assert_in_line(memory)


async def test_what_has_room_again_is_released(memory: Memory, confined: Database) -> None:
    memory.provider.fill(confined.id, EMPTY)

    assert told(await found(memory)) == [(Upkeep.RELEASE, DONE)]

    await assert_read_only(memory, confined, expected=False)
    await assert_in_line(memory)


async def test_the_end_of_a_warning_ends_nobodys_sessions(memory: Memory, warned: Database) -> None:
    memory.provider.fill(warned.id, EMPTY)
    memory.trouble = Fails({"before release": [ProviderBusy()]})

    assert told(await found(memory)) == [(Upkeep.RELEASE, DONE)]
    assert (await memory.only_record()).is_at_rest


@pytest.mark.parametrize(
    ("limit", "detail"),
    [
        (None, "There is no limit any more."),
        (SizeLimit(3 * LIMIT.size), "It has 32MB; the limit is 48MB."),
    ],
    ids=["none", "higher"],
)
async def test_another_limit_releases_what_was_confined(
    memory: Memory, confined: Database, limit: SizeLimit | None, detail: str
) -> None:
    memory.limit = limit

    [finding] = await found(memory)

    assert (finding.action, finding.detail) == (Upkeep.RELEASE, detail)
    await assert_read_only(memory, confined, expected=False)


async def test_a_service_without_a_limit_measures_nothing(memory: Memory, grown: Database) -> None:
    memory.limit, memory.trouble = None, Fails({"measures": [ProviderBusy()]})

    assert await found(memory) == []


async def test_what_is_made_writable_is_confined_again(memory: Memory, confined: Database) -> None:
    await memory.provider.release(confined.tenant)

    assert told(await found(memory)) == [(Upkeep.CONFINE, DONE)]
    await assert_read_only(memory, confined)


async def test_what_grows_though_read_only_is_told(memory: Memory, confined: Database) -> None:
    memory.provider.fill(confined.id, TOO_LARGE + 1)

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.EXCEED, TOLD)
    assert finding.detail.startswith("It has 32MB; the limit is 16MB. It is read-only")


async def test_others_are_left_alone(memory: Memory, grown: Database) -> None:
    other = await vended(memory, "Other")

    await found(memory)
    memory.clock.moment += NOTICE
    await found(memory)

    await assert_read_only(memory, grown)
    assert await memory.registry.get(other.id) == other
    await assert_read_only(memory, other, expected=False)


async def rotate(memory: Memory, database_id: str) -> None:
    await memory.rotate()(database_id)


async def end_and_restore(memory: Memory, database_id: str) -> None:
    memory.clock.moment += 9 * HOUR
    assert told(await found(memory, GRACE)) == [(Upkeep.EXPIRE, DONE)]
    await memory.restore()(database_id)


@pytest.mark.parametrize("act", [rotate, end_and_restore])
async def test_neither_a_rotation_nor_an_end_lifts_anything(
    memory: Memory, confined: Database, act: Callable[[Memory, str], Awaitable[None]]
) -> None:
    await act(memory, confined.id)

    await assert_read_only(memory, confined)
    await assert_in_line(memory, GRACE)


async def test_what_is_read_only_can_be_deleted(memory: Memory, confined: Database) -> None:
    await memory.retire().promise(confined.id)

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert await memory.held() == set()


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
@pytest.mark.parametrize("meanwhile", ["nothing", "a rotation and another end"])
async def test_a_confinement_that_fails_is_told_and_tried_again_after_a_pause(
    memory: Memory,
    warned: Database,
    error: type[ProviderBusy] | type[ProviderRejected],
    meanwhile: str,
) -> None:
    memory.trouble = Fails({"before confine": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await found(memory)] == [(error.code, "No.")]
    if meanwhile == "nothing":
        assert await found(memory) == [], "it did not rest"
        memory.clock.moment += FIRST_PAUSE
    else:
        await memory.rotate()(warned.id)
        await memory.change()(warned.id, ChangeRequest(ttl=timedelta(days=9)))

    assert told(await memory.sweep()(drift=False)) == [(Upkeep.CONFINE, DONE)]
    await assert_read_only(memory, warned)


async def test_without_measures_nothing_is_done(memory: Memory, confined: Database) -> None:
    memory.trouble = Fails({"measures": [Unavailable("Not now.")]})

    assert told(await found(memory)) == [(Upkeep.MEASURE, "unavailable")]
    await assert_read_only(memory, confined)


async def test_sizes_count_where_nothing_is_compared(memory: Memory, grown: Database) -> None:
    memory.trouble = Fails({"inventory": [Unavailable()]})

    assert told(await found(memory)) == [(Upkeep.COMPARE, "unavailable"), (Upkeep.WARN, DONE)]


async def test_two_who_sweep_at_once_warn_once(memory: Memory, grown: Database) -> None:
    first, second = await memory.confine()(), await memory.replica().confine()()

    assert [await chore.do() for chore in (*first, *second) if chore.do] == [True, False]
    assert [step.name for step in (await memory.only_record()).history].count("warn") == 1


async def test_what_is_deleted_meanwhile_is_not_touched(memory: Memory, confined: Database) -> None:
    memory.provider.fill(confined.id, EMPTY)
    [chore] = await memory.confine()()
    await memory.retire().promise(confined.id)

    assert chore.do is not None
    assert await chore.do() is False
    assert (await memory.only_record()).state is State.RETIRING


async def test_what_is_adopted_is_measured_too(memory: Memory, grown: Database) -> None:
    other = Memory(limit=LIMIT)
    await other.provider.provision(grown.order(deriver))
    other.provider.fill(grown.id, TOO_LARGE)
    other.clock.moment += SETTLED

    assert told(await found(other)) == [(Upkeep.ADOPT, DONE), (Upkeep.WARN, DONE)]


async def test_what_is_deleted_while_confined_is_dropped(memory: Memory, warned: Database) -> None:
    inside, sweeping = await memory.hold("before confine", found(memory))

    await memory.retire().promise(warned.id)
    inside.let_go.set()
    await sweeping

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert await memory.held() == set()
