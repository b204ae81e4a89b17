"""Operations and the lock, on time that passes only when told."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog

from entrypoints.neon_emulator.errors import Locked
from entrypoints.neon_emulator.faults import Fault, How
from entrypoints.neon_emulator.operations import Operation, Operations
from entrypoints.neon_emulator.steps import Step
from tests.support.clock import FakeClock


class Work:
    """Goes on until it is let go; knows what was done, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()

    async def of(self, name: str) -> None:
        await self.gate.wait()
        self.done.append(name)

    async def failing(self) -> None:
        raise ValueError("a secret of PostgreSQL's own")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def operations(clock: FakeClock) -> Operations:
    return Operations(clock, structlog.get_logger())


async def test_the_first_runs_and_the_others_wait(operations: Operations, work: Work) -> None:
    begun = operations.begin([step(work, "a"), step(work, "b")])

    assert statuses(begun) == ["running", "scheduling"]
    await ended(operations, work)


async def test_those_of_one_request_run_in_order(operations: Operations, work: Work) -> None:
    begun = operations.begin([step(work, "a"), step(work, "b")])
    await ended(operations, work)

    assert statuses(begun) == ["finished", "finished"]
    assert work.done == ["a", "b"]


async def test_the_project_is_locked_until_the_last_has_ended(
    operations: Operations, work: Work
) -> None:
    operations.begin([step(work, "a"), step(work, "b")])

    with pytest.raises(Locked):
        operations.check_free(beside=0, code="")

    await ended(operations, work)
    operations.check_free(beside=0, code="")


async def test_some_may_run_beside_others(operations: Operations, work: Work) -> None:
    operations.begin([step(work, "a")])
    operations.check_free(beside=1, code="")
    operations.begin([step(work, "b")])

    with pytest.raises(Locked):
        operations.check_free(beside=1, code="")
    await ended(operations, work)


async def test_a_held_project_is_locked_for_its_time(
    operations: Operations, clock: FakeClock
) -> None:
    operations.hold(5)
    with pytest.raises(Locked):
        operations.check_free(beside=9, code="")

    await clock.sleep(5)

    operations.check_free(beside=0, code="")


async def test_a_project_may_be_held_for_ever(operations: Operations, clock: FakeClock) -> None:
    operations.hold(None)
    await clock.sleep(1_000_000)

    with pytest.raises(Locked):
        operations.check_free(beside=0, code="")

    operations.release()
    operations.check_free(beside=0, code="")


async def test_an_operation_lasts_its_time(
    operations: Operations, work: Work, clock: FakeClock
) -> None:
    (operation,) = operations.begin([step(work, "a", seconds=3)])
    await ended(operations, work)

    assert operations.seconds(operation) == 3
    assert clock.passed == 3


async def test_the_work_comes_at_the_end_of_the_time(
    operations: Operations, clock: FakeClock
) -> None:
    moments: list[float] = []

    async def look() -> None:
        moments.append(clock.passed)

    operations.begin([Step(action="apply_config", seconds=3, work=look)])
    await operations.idle()

    assert moments == [3]


async def test_one_whose_work_fails_is_an_error_and_the_rest_is_cancelled(
    operations: Operations, work: Work
) -> None:
    failing = Step(action="apply_config", seconds=0, work=work.failing)
    begun = operations.begin([failing, step(work, "b")])
    await ended(operations, work)

    assert statuses(begun) == ["error", "cancelled"]
    assert begun[0].error == "internal error"
    assert work.done == []


async def test_one_that_is_to_fail_does_nothing(operations: Operations, work: Work) -> None:
    begun = operations.begin([step(work, "a")], fault("failing_operation"))
    await ended(operations, work)

    assert statuses(begun) == ["error"]
    assert work.done == []


async def test_one_that_recovers_is_failed_first_and_locks_meanwhile(
    operations: Operations, work: Work
) -> None:
    (operation,) = operations.begin([step(work, "a")], fault("recovering_operation", seconds=2))
    await asyncio.sleep(0)

    assert (operation.failures_count, operations.running) == (1, True)
    await ended(operations, work)
    assert (operation.status, operation.error, work.done) == ("finished", None, ["a"])


async def test_late_work_is_done_after_its_operation_and_in_order(
    operations: Operations, work: Work
) -> None:
    (operation,) = operations.begin([step(work, "a", late=9)])
    await operations.idle()
    assert (operation.status, work.done) == ("finished", [])

    operations.begin([step(work, "b")])
    await ended(operations, work)
    assert work.done == ["a", "b"]


async def test_no_two_were_created_at_the_same_moment(operations: Operations, work: Work) -> None:
    for name in "abc":
        operations.begin([step(work, name)])
    await ended(operations, work)

    assert len({operation.created_at for operation in operations.all}) == 3


async def test_closing_stops_whatever_runs(operations: Operations, work: Work) -> None:
    operations.begin([step(work, "a")])
    await operations.close()
    work.gate.set()

    assert work.done == []
    assert not operations.running


def step(work: Work, name: str, *, seconds: float = 0, late: float = 0) -> Step:
    return Step(action="apply_config", seconds=seconds, late=late, work=lambda: work.of(name))


def statuses(operations: Sequence[Operation]) -> list[str]:
    return [operation.status for operation in operations]


async def ended(operations: Operations, work: Work) -> None:
    work.gate.set()
    await operations.idle()


def fault(how: str, seconds: float = 1) -> "Fault":
    return Fault(which="*", how=How(how), seconds=seconds)
