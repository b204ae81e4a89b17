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
    """Goes on until it is let go; knows what was done and when, in order."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.done: list[str] = []
        self.moments: list[float] = []
        self.gate = asyncio.Event()

    def step(self, name: str, *, seconds: float = 0, late: float = 0) -> Step:
        return Step(action="apply_config", seconds=seconds, late=late, work=lambda: self._do(name))

    async def _do(self, name: str) -> None:
        await self.gate.wait()
        if name == "failing":
            raise ValueError("a secret of PostgreSQL's own")
        self.done.append(name)
        self.moments.append(self._clock.passed)

    async def ended(self, operations: Operations) -> None:
        self.gate.set()
        await operations.idle()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def work(clock: FakeClock) -> Work:
    return Work(clock)


@pytest.fixture
def operations(clock: FakeClock) -> Operations:
    return Operations(clock, structlog.get_logger())


async def test_those_of_one_request_run_in_order_and_lock_the_project_until_the_last_has_ended(
    operations: Operations, work: Work
) -> None:
    begun = operations.begin([work.step("a"), work.step("b")])
    assert _statuses(begun) == ["running", "scheduling"]
    assert not _is_free(operations)

    await work.ended(operations)
    assert _statuses(begun) == ["finished", "finished"]
    assert work.done == ["a", "b"]
    assert _is_free(operations)


async def test_some_may_run_beside_others(operations: Operations, work: Work) -> None:
    operations.begin([work.step("a")])
    assert _is_free(operations, beside=1)
    operations.begin([work.step("b")])

    assert not _is_free(operations, beside=1)
    await work.ended(operations)


async def test_a_held_project_is_locked_for_its_time(
    operations: Operations, clock: FakeClock
) -> None:
    operations.hold(5)
    assert not _is_free(operations, beside=9)

    await clock.sleep(5)
    assert _is_free(operations)


async def test_a_project_may_be_held_for_ever(operations: Operations, clock: FakeClock) -> None:
    operations.hold(None)
    await clock.sleep(1_000_000)
    assert not _is_free(operations)

    operations.release()
    assert _is_free(operations)


async def test_an_operation_lasts_its_time_and_works_at_its_end(
    operations: Operations, work: Work
) -> None:
    (operation,) = operations.begin([work.step("a", seconds=3)])
    await work.ended(operations)

    assert operations.seconds(operation) == 3
    assert work.moments == [3]


async def test_one_whose_work_fails_is_an_error_and_the_rest_is_cancelled(
    operations: Operations, work: Work
) -> None:
    begun = operations.begin([work.step("failing"), work.step("b")])
    await work.ended(operations)

    assert _statuses(begun) == ["error", "cancelled"]
    assert begun[0].error == "internal error"
    assert work.done == []


async def test_one_that_is_to_fail_does_nothing(operations: Operations, work: Work) -> None:
    fault = Fault(which="*", how=How.FAILING_OPERATION)
    begun = operations.begin([work.step("a")], fault)
    await work.ended(operations)

    assert _statuses(begun) == ["error"]
    assert work.done == []


async def test_one_that_recovers_is_failed_first_and_locks_meanwhile(
    operations: Operations, work: Work
) -> None:
    fault = Fault(which="*", how=How.RECOVERING_OPERATION, seconds=2)
    (operation,) = operations.begin([work.step("a")], fault)
    await asyncio.sleep(0)

    assert (operation.failures_count, operations.running) == (1, True)
    await work.ended(operations)
    assert (operation.status, operation.error, work.done) == ("finished", None, ["a"])


async def test_late_work_is_done_after_its_operation_and_in_order(
    operations: Operations, work: Work
) -> None:
    (operation,) = operations.begin([work.step("a", late=9)])
    await operations.idle()
    assert (operation.status, work.done) == ("finished", [])

    operations.begin([work.step("b")])
    await work.ended(operations)
    assert work.done == ["a", "b"]


async def test_no_two_were_created_at_the_same_moment(operations: Operations, work: Work) -> None:
    for name in "abc":
        operations.begin([work.step(name)])
    await work.ended(operations)

    assert len({operation.created_at for operation in operations.all}) == 3


async def test_closing_stops_whatever_runs(operations: Operations, work: Work) -> None:
    operations.begin([work.step("a")])
    await operations.close()
    work.gate.set()

    assert work.done == []
    assert not operations.running


def _is_free(operations: Operations, beside: int = 0) -> bool:
    try:
        operations.check_free(beside=beside, code="")
    except Locked:
        return False
    return True


def _statuses(operations: Sequence[Operation]) -> list[str]:
    return [operation.status for operation in operations]
