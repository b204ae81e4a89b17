"""The size limit: a warning, then read-only, and writable again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from adapters.memory.contents import EMPTY_SIZE
from domain.database import Database
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.lifecycle import FIRST_PAUSE, State
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from domain.sizes import WARNING_PERIOD, SizeLimit, is_read_only
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.reconcile import DONE, REPORTED
from tests.support.actions import LIMIT
from tests.support.consistency import assert_consistent, reconcile_once
from tests.support.doubles import FailAt
from tests.support.drift_scenarios import create_database, summarize
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.provision_requests import deriver

TOO_LARGE = 2 * LIMIT.size


@pytest.fixture
def memory() -> MemoryService:
    return MemoryService(limit=LIMIT)


async def create_oversized(memory: MemoryService) -> Database:
    """A database over the limit that has not been measured yet."""
    database = await create_database(memory, ttl=9 * HOUR)
    memory.provider.set_size(database.id, TOO_LARGE)
    return database


async def warn(memory: MemoryService) -> Database:
    """A database whose warning period is over."""
    provisioned = await create_oversized(memory)
    assert summarize(await reconcile_once(memory, GRACE)) == [(ReconcileAction.WARN, DONE)]
    memory.clock.moment += WARNING_PERIOD
    return provisioned


async def set_read_only(memory: MemoryService) -> Database:
    provisioned = await warn(memory)
    assert summarize(await reconcile_once(memory, GRACE)) == [(ReconcileAction.SET_READ_ONLY, DONE)]
    return provisioned


grown, warned, confined = map(pytest.fixture, (create_oversized, warn, set_read_only))


async def assert_read_only(
    memory: MemoryService, database: Database, *, expected: bool = True
) -> None:
    assert memory.provider.is_read_only(database.tenant) == expected
    assert is_read_only(await memory.registry.get(database.id)) == expected


async def test_a_database_over_the_limit_is_warned_once(
    memory: MemoryService, grown: Database
) -> None:
    [result] = await reconcile_once(memory)

    assert (result.action, result.outcome) == (ReconcileAction.WARN, DONE)
    assert result.detail == "Its size is 32MB; the limit is 16MB."
    assert [step.name for step in (await memory.only_record()).steps][-1] == "warn"
    assert await reconcile_once(memory) == [], "replicas may measure right after each other"
    await assert_read_only(memory, grown, expected=False)


async def test_a_database_that_stays_over_the_limit_becomes_read_only(
    memory: MemoryService, confined: Database
) -> None:
    record = await memory.only_record()
    await assert_read_only(memory, confined)
    assert (record.state, record.is_idle) == (State.READY, True)
    assert record.wake_at == record.expires_at
    await assert_consistent(memory)


Then = Callable[[MemoryService, Database], Awaitable[object]]


async def expire_and_restore(memory: MemoryService, database: Database) -> None:
    memory.clock.moment += 9 * HOUR
    assert summarize(await reconcile_once(memory, GRACE)) == [(ReconcileAction.EXPIRE, DONE)]
    await memory.restore()(database.id)


def set_size(size: int) -> Then:
    async def then(memory: MemoryService, database: Database) -> None:
        memory.provider.set_size(database.id, size)

    return then


def set_attributes(**parts: object) -> Then:
    async def then(memory: MemoryService, provisioned: Database) -> None:
        for name, part in parts.items():
            setattr(memory, name, part)

    return then


def fail_at_moment(moment: str) -> Then:
    return set_attributes(fault_hook=FailAt({moment: [Unavailable("Not now.")]}))


def rotate_password(memory: MemoryService, database: Database) -> Awaitable[object]:
    return memory.rotate()(database.id)


def make_writable(memory: MemoryService, database: Database) -> Awaitable[object]:
    return memory.provider.clear_read_only(database.tenant)


IT_HAS = "Its size is 32MB; the limit is 16MB."
DEFIED = f"{IT_HAS} It is read-only, but its owner overrides that"
HIGHER = "Its size is 32MB; the limit is 48MB."
NOT_NOW = (ReconcileAction.MEASURE, "unavailable", "Not now.")
UNCOMPARED = [
    (ReconcileAction.COMPARE, "unavailable", "Not now."),
    (ReconcileAction.WARN, DONE, IT_HAS),
]


@pytest.mark.parametrize(
    ("stage", "then", "results", "read_only"),
    [
        (set_read_only, [], [], True),
        (set_read_only, [rotate_password], [], True),
        (set_read_only, [expire_and_restore], [], True),
        (
            set_read_only,
            [set_size(EMPTY_SIZE)],
            [(ReconcileAction.CLEAR_READ_ONLY, DONE, "Its size is 8192kB")],
            False,
        ),
        (
            set_read_only,
            [set_attributes(limit=None)],
            [(ReconcileAction.CLEAR_READ_ONLY, DONE, "There is no size limit")],
            False,
        ),
        (
            set_read_only,
            [set_attributes(limit=SizeLimit(48 << 20))],
            [(ReconcileAction.CLEAR_READ_ONLY, DONE, HIGHER)],
            False,
        ),
        (set_read_only, [make_writable], [(ReconcileAction.SET_READ_ONLY, DONE, IT_HAS)], True),
        (
            set_read_only,
            [set_size(TOO_LARGE + 1)],
            [(ReconcileAction.REPORT_OVERSIZE, REPORTED, DEFIED)],
            True,
        ),
        (set_read_only, [fail_at_moment("measure_sizes")], [NOT_NOW], True),
        (create_oversized, [fail_at_moment("inventory")], UNCOMPARED, False),
        (
            create_oversized,
            [set_attributes(limit=None), fail_at_moment("measure_sizes")],
            [],
            False,
        ),
        # the end of a warning ends no sessions: the provider is not called
        (
            warn,
            [set_size(EMPTY_SIZE), fail_at_moment("before clear_read_only")],
            [(ReconcileAction.CLEAR_READ_ONLY, DONE, "")],
            False,
        ),
    ],
)
async def test_the_next_measurement_decides(
    memory: MemoryService,
    stage: Callable[[MemoryService], Awaitable[Database]],
    then: list[Then],
    results: list[tuple[ReconcileAction, str, str]],
    read_only: bool,
) -> None:
    provisioned = await stage(memory)
    for act in then:
        await act(memory, provisioned)

    seen = await reconcile_once(memory, GRACE)

    assert summarize(seen) == [result[:2] for result in results]
    for one, (_, _, detail) in zip(seen, results, strict=True):
        assert one.detail.startswith(detail)
    await assert_read_only(memory, provisioned, expected=read_only)
    if not any(outcome in {"unavailable", REPORTED} for _, outcome, _ in results) and memory.limit:
        await assert_consistent(memory, GRACE)


async def test_other_databases_are_not_touched(memory: MemoryService, grown: Database) -> None:
    other = await create_database(memory, "Other")

    await reconcile_once(memory)
    memory.clock.moment += WARNING_PERIOD
    await reconcile_once(memory)

    await assert_read_only(memory, grown)
    assert await memory.registry.get(other.id) == other
    await assert_read_only(memory, other, expected=False)


async def test_a_read_only_database_can_be_deleted(
    memory: MemoryService, confined: Database
) -> None:
    await memory.deletion().request(confined.id)
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE, DONE)]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
@pytest.mark.parametrize("meanwhile", ["nothing", "a rotation and another end"])
async def test_a_failure_to_set_read_only_is_reported_and_retried_after_a_pause(
    memory: MemoryService,
    warned: Database,
    error: type[ProviderBusy] | type[ProviderRejected],
    meanwhile: str,
) -> None:
    memory.fault_hook = FailAt({"before set_read_only": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await reconcile_once(memory)] == [
        (error.code, "No.")
    ]
    if meanwhile == "nothing":
        assert await reconcile_once(memory) == [], "it did not pause"
        memory.clock.moment += FIRST_PAUSE
    else:
        await memory.rotate()(warned.id)
        await memory.change()(warned.id, ChangeRequest(ttl=timedelta(days=9)))

    assert summarize(await memory.reconcile()(drift=False)) == [
        (ReconcileAction.SET_READ_ONLY, DONE)
    ]
    await assert_read_only(memory, warned)


async def test_two_concurrent_reconcilers_warn_once(memory: MemoryService, grown: Database) -> None:
    first, second = await memory.limit_sizes()(), await memory.replica().limit_sizes()()
    assert [await task.run() for task in (*first, *second) if task.run] == [True, False]
    assert [step.name for step in (await memory.only_record()).history].count("warn") == 1


async def test_a_database_deleted_meanwhile_is_not_touched(
    memory: MemoryService, confined: Database
) -> None:
    memory.provider.set_size(confined.id, EMPTY_SIZE)
    [task] = await memory.limit_sizes()()
    await memory.deletion().request(confined.id)

    assert task.run is not None
    assert await task.run() is False
    assert (await memory.only_record()).state is State.DELETING


async def test_an_imported_database_is_measured_too(memory: MemoryService, grown: Database) -> None:
    other = MemoryService(limit=LIMIT)
    await other.provider.provision(grown.to_provision_request(deriver))
    other.provider.set_size(grown.id, TOO_LARGE)
    other.clock.moment += SETTLING_TIME

    assert summarize(await reconcile_once(other)) == [
        (ReconcileAction.IMPORT, DONE),
        (ReconcileAction.WARN, DONE),
    ]


async def test_a_database_deleted_while_it_becomes_read_only_is_dropped(
    memory: MemoryService, warned: Database
) -> None:
    inside, reconciling = await memory.hold("before set_read_only", reconcile_once(memory))

    await memory.deletion().request(warned.id)
    inside.let_go.set()
    await reconciling

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE, DONE)]
    assert await memory.tenant_ids() == set()
