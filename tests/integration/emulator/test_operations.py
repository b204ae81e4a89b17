"""Operations and the lock, with a fake clock."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog

from entrypoints.neon_emulator.errors import Locked
from entrypoints.neon_emulator.state.faults import Fault, How
from entrypoints.neon_emulator.state.operations import Operation, Operations
from entrypoints.neon_emulator.state.steps import Step
from tests.support.clock import FakeClock


class GatedWork:
    """Steps that block until `gate` is set; `done` lists them in order, with their times."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.operations = Operations(self.clock, structlog.get_logger())
        self.done: list[tuple[str, float]] = []
        self.gate = asyncio.Event()

    def start(self, *names: str, fault: Fault | None = None, **more: float) -> Sequence[Operation]:
        return self.operations.start([self._step(name, **more) for name in names], fault)

    def _step(self, name: str, seconds: float = 0, late: float = 0) -> Step:
        async def work() -> None:
            await self.gate.wait()
            if name == "failing":
                raise ValueError("a secret of PostgreSQL's own")
            self.done.append((name, self.clock.passed))

        return Step(action="apply_config", seconds=seconds, late=late, work=work)

    async def end(self) -> None:
        self.gate.set()
        await self.operations.wait_until_idle()

    def is_free(self, overlapping: int = 0) -> bool:
        try:
            self.operations.check_free(overlapping=overlapping, code="")
        except Locked:
            return False
        return True


@pytest.fixture
def work() -> GatedWork:
    return GatedWork()


async def test_operations_of_a_request_run_in_order_and_lock_the_project(
    work: GatedWork,
) -> None:
    operations = work.start("a", "b", seconds=3)
    assert _statuses(operations) == ["running", "scheduling"]
    assert (work.is_free(), work.is_free(overlapping=2)) == (False, True)

    await work.end()
    assert _statuses(operations) == ["finished", "finished"]
    assert [work.operations.measure_duration(each) for each in operations] == [3, 3]
    assert work.done == [("a", 3), ("b", 6)]
    assert work.is_free()


async def test_a_project_is_locked_for_a_time_or_until_unlocked(work: GatedWork) -> None:
    work.operations.lock(5)
    assert not work.is_free(overlapping=9)
    await work.clock.sleep(5)
    assert work.is_free()

    work.operations.lock(None)
    await work.clock.sleep(1_000_000)
    assert not work.is_free()
    work.operations.unlock()
    assert work.is_free()


async def test_a_failed_operation_cancels_the_rest(work: GatedWork) -> None:
    operations = work.start("failing", "b")
    await work.end()

    assert _statuses(operations) == ["error", "cancelled"]
    assert operations[0].error == "internal error"
    assert work.done == []


async def test_a_recovering_operation_fails_first_and_locks(work: GatedWork) -> None:
    fault = Fault(route="*", how=How.RECOVERING_OPERATION, seconds=2)
    (operation,) = work.start("a", fault=fault)
    await asyncio.sleep(0)

    assert (operation.failures_count, work.operations.is_running) == (1, True)
    await work.end()
    assert (operation.status, operation.error, work.done) == ("finished", None, [("a", 2)])


async def test_creation_times_are_unique(work: GatedWork) -> None:
    for name in "abc":
        work.start(name)
    await work.end()

    assert len({operation.created_at for operation in work.operations.all}) == 3


async def test_closing_cancels_running_operations(work: GatedWork) -> None:
    work.start("a")
    await work.operations.close()
    work.gate.set()

    assert work.done == []
    assert not work.operations.is_running


def _statuses(operations: Sequence[Operation]) -> list[str]:
    return [operation.status for operation in operations]
