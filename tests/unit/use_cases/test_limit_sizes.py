"""The size limit: a warning, then read-only, and writable again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from adapters.memory.provider import EMPTY
from domain.database import Database
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.lifecycle import FIRST_PAUSE
from domain.reconciliation import SETTLED, Upkeep
from domain.sizes import NOTICE, SizeLimit, is_read_only
from domain.states import State
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.reconcile import DONE, TOLD
from tests.support.actions import LIMIT
from tests.support.consistency import assert_in_line, found
from tests.support.doubles import Fails
from tests.support.drift_scenarios import told, vended
from tests.support.memory_service import GRACE, HOUR, Memory
from tests.support.provision_requests import deriver

TOO_LARGE = 2 * LIMIT.size


@pytest.fixture
def memory() -> Memory:
    return Memory(limit=LIMIT)


async def grow(memory: Memory) -> Database:
    """A database over the limit that has not been measured yet."""
    made = await vended(memory, ttl=9 * HOUR)
    memory.provider.fill(made.id, TOO_LARGE)
    return made


async def warn(memory: Memory) -> Database:
    """A database whose warning period is over."""
    made = await grow(memory)
    assert told(await found(memory, GRACE)) == [(Upkeep.WARN, DONE)]
    memory.clock.moment += NOTICE
    return made


async def confine(memory: Memory) -> Database:
    made = await warn(memory)
    assert told(await found(memory, GRACE)) == [(Upkeep.CONFINE, DONE)]
    return made


grown, warned, confined = map(pytest.fixture, (grow, warn, confine))


async def assert_read_only(memory: Memory, made: Database, *, expected: bool = True) -> None:
    assert memory.provider.is_read_only(made.tenant) == expected
    assert is_read_only(await memory.registry.get(made.id)) == expected


async def test_a_database_over_the_limit_is_warned_once(memory: Memory, grown: Database) -> None:
    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.WARN, DONE)
    assert finding.detail == "Its size is 32MB; the limit is 16MB."
    assert [step.name for step in (await memory.only_record()).steps][-1] == "warn"
    assert await found(memory) == [], "replicas may measure right after each other"
    await assert_read_only(memory, grown, expected=False)


async def test_a_database_that_stays_over_the_limit_becomes_read_only(
    memory: Memory, confined: Database
) -> None:
    record = await memory.only_record()
    await assert_read_only(memory, confined)
    assert (record.state, record.is_at_rest) == (State.READY, True)
    assert record.wake_at == record.expires_at
    await assert_in_line(memory)


Then = Callable[[Memory, Database], Awaitable[object]]


async def ended_and_restored(memory: Memory, made: Database) -> None:
    memory.clock.moment += 9 * HOUR
    assert told(await found(memory, GRACE)) == [(Upkeep.EXPIRE, DONE)]
    await memory.restore()(made.id)


def filled(size: int) -> Then:
    async def then(memory: Memory, made: Database) -> None:
        memory.provider.fill(made.id, size)

    return then


def with_(**parts: object) -> Then:
    async def then(memory: Memory, made: Database) -> None:
        for name, part in parts.items():
            setattr(memory, name, part)

    return then


def failing(moment: str) -> Then:
    return with_(trouble=Fails({moment: [Unavailable("Not now.")]}))


def rotated(memory: Memory, made: Database) -> Awaitable[object]:
    return memory.rotate()(made.id)


def made_writable(memory: Memory, made: Database) -> Awaitable[object]:
    return memory.provider.release(made.tenant)


IT_HAS = "Its size is 32MB; the limit is 16MB."
DEFIED = f"{IT_HAS} It is read-only, but its owner overrides that"
HIGHER = "Its size is 32MB; the limit is 48MB."
NOT_NOW = (Upkeep.MEASURE, "unavailable", "Not now.")
UNCOMPARED = [(Upkeep.COMPARE, "unavailable", "Not now."), (Upkeep.WARN, DONE, IT_HAS)]


@pytest.mark.parametrize(
    ("stage", "then", "results", "read_only"),
    [
        (confine, [], [], True),
        (confine, [rotated], [], True),
        (confine, [ended_and_restored], [], True),
        (confine, [filled(EMPTY)], [(Upkeep.RELEASE, DONE, "Its size is 8192kB")], False),
        (confine, [with_(limit=None)], [(Upkeep.RELEASE, DONE, "There is no size limit")], False),
        (confine, [with_(limit=SizeLimit(48 << 20))], [(Upkeep.RELEASE, DONE, HIGHER)], False),
        (confine, [made_writable], [(Upkeep.CONFINE, DONE, IT_HAS)], True),
        (confine, [filled(TOO_LARGE + 1)], [(Upkeep.EXCEED, TOLD, DEFIED)], True),
        (confine, [failing("measure_sizes")], [NOT_NOW], True),
        (grow, [failing("inventory")], UNCOMPARED, False),
        (grow, [with_(limit=None), failing("measure_sizes")], [], False),
        # the end of a warning ends no sessions: the provider is not called
        (
            warn,
            [filled(EMPTY), failing("before clear_read_only")],
            [(Upkeep.RELEASE, DONE, "")],
            False,
        ),
    ],
)
async def test_the_next_measurement_decides(
    memory: Memory,
    stage: Callable[[Memory], Awaitable[Database]],
    then: list[Then],
    results: list[tuple[Upkeep, str, str]],
    read_only: bool,
) -> None:
    made = await stage(memory)
    for act in then:
        await act(memory, made)

    seen = await found(memory, GRACE)

    assert told(seen) == [finding[:2] for finding in results]
    for one, (_, _, detail) in zip(seen, results, strict=True):
        assert one.detail.startswith(detail)
    await assert_read_only(memory, made, expected=read_only)
    if not any(outcome in {"unavailable", TOLD} for _, outcome, _ in results) and memory.limit:
        await assert_in_line(memory, GRACE)


async def test_other_databases_are_not_touched(memory: Memory, grown: Database) -> None:
    other = await vended(memory, "Other")

    await found(memory)
    memory.clock.moment += NOTICE
    await found(memory)

    await assert_read_only(memory, grown)
    assert await memory.registry.get(other.id) == other
    await assert_read_only(memory, other, expected=False)


async def test_a_read_only_database_can_be_deleted(memory: Memory, confined: Database) -> None:
    await memory.deletion().request(confined.id)
    assert told(await found(memory)) == [(Upkeep.DELETE, DONE)]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
@pytest.mark.parametrize("meanwhile", ["nothing", "a rotation and another end"])
async def test_a_failure_to_set_read_only_is_reported_and_retried_after_a_pause(
    memory: Memory,
    warned: Database,
    error: type[ProviderBusy] | type[ProviderRejected],
    meanwhile: str,
) -> None:
    memory.trouble = Fails({"before set_read_only": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await found(memory)] == [(error.code, "No.")]
    if meanwhile == "nothing":
        assert await found(memory) == [], "it did not pause"
        memory.clock.moment += FIRST_PAUSE
    else:
        await memory.rotate()(warned.id)
        await memory.change()(warned.id, ChangeRequest(ttl=timedelta(days=9)))

    assert told(await memory.sweep()(drift=False)) == [(Upkeep.CONFINE, DONE)]
    await assert_read_only(memory, warned)


async def test_two_concurrent_reconcilers_warn_once(memory: Memory, grown: Database) -> None:
    first, second = await memory.confine()(), await memory.replica().confine()()
    assert [await task.run() for task in (*first, *second) if task.run] == [True, False]
    assert [step.name for step in (await memory.only_record()).history].count("warn") == 1


async def test_a_database_deleted_meanwhile_is_not_touched(
    memory: Memory, confined: Database
) -> None:
    memory.provider.fill(confined.id, EMPTY)
    [task] = await memory.confine()()
    await memory.deletion().request(confined.id)

    assert task.run is not None
    assert await task.run() is False
    assert (await memory.only_record()).state is State.DELETING


async def test_an_imported_database_is_measured_too(memory: Memory, grown: Database) -> None:
    other = Memory(limit=LIMIT)
    await other.provider.provision(grown.order(deriver))
    other.provider.fill(grown.id, TOO_LARGE)
    other.clock.moment += SETTLED

    assert told(await found(other)) == [(Upkeep.ADOPT, DONE), (Upkeep.WARN, DONE)]


async def test_a_database_deleted_while_it_becomes_read_only_is_dropped(
    memory: Memory, warned: Database
) -> None:
    inside, sweeping = await memory.hold("before set_read_only", found(memory))

    await memory.deletion().request(warned.id)
    inside.let_go.set()
    await sweeping

    assert told(await found(memory)) == [(Upkeep.DELETE, DONE)]
    assert await memory.tenant_ids() == set()
