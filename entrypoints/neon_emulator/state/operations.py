"""A project's operations: those of one request run in order and lock the project."""

import asyncio
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from entrypoints.neon_emulator.errors import Locked
from entrypoints.neon_emulator.state.faults import Fault, How
from entrypoints.neon_emulator.state.steps import Performer, PlannedFailure, Step
from ports.driven.clock import Clock

UNKNOWN_STATUS = "reticulating"
"""A status that clients do not know."""


@dataclass(kw_only=True)
class Operation:
    action: str
    created_at: datetime
    updated_at: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "scheduling"
    error: str | None = None
    failures_count: int = 0
    retry_at: datetime | None = None
    started_at: float | None = None
    ended_at: float | None = None


class Operations:
    def __init__(self, clock: Clock, log: BoundLogger) -> None:
        self.all: list[Operation] = []
        self._clock = clock
        self._performer = Performer(clock, log)
        self._running_sets: set[asyncio.Task[None]] = set()
        self._locked_until = -math.inf

    @property
    def is_running(self) -> bool:
        return bool(self._running_sets)

    def lock(self, seconds: float | None) -> None:
        """Lock the project, as an internal operation of Neon does; None means until unlocked."""
        self._locked_until = math.inf if seconds is None else self._clock.elapsed() + seconds

    def unlock(self) -> None:
        self._locked_until = -math.inf

    def check_free(self, *, overlapping: int, code: str) -> None:
        """Raise Locked if the project is locked, or operations of more than `overlapping` requests
        are running."""
        if self._clock.elapsed() < self._locked_until or len(self._running_sets) > overlapping:
            raise Locked(code)

    def start(self, steps: Sequence[Step], fault: Fault | None = None) -> list[Operation]:
        """Start the operations of one request, each with `fault`: the first one runs, the others
        wait for it."""
        operations = [self._record(step) for step in steps]
        if operations:
            self._set_status(operations[0], "running")
            task = asyncio.create_task(self._run(operations, steps, fault))
            self._running_sets.add(task)
        return operations

    def measure_duration(self, operation: Operation) -> float:
        """Return the seconds that the operation took, or has taken so far."""
        if operation.started_at is None:
            return 0
        ended_at = self._clock.elapsed() if operation.ended_at is None else operation.ended_at
        return ended_at - operation.started_at

    async def wait_until_idle(self) -> None:
        """Wait until no operation is running."""
        while self._running_sets:
            await asyncio.wait(self._running_sets)

    async def close(self) -> None:
        """Cancel all running operations."""
        for task in self._running_sets:
            task.cancel()
        await asyncio.gather(*self._running_sets, return_exceptions=True)
        self._running_sets = set()
        await self._performer.close()

    def _record(self, step: Step) -> Operation:
        now = self._clock.now()
        if self.all:  # the cursor of pages: no two operations share a time
            now = max(now, self.all[-1].created_at + timedelta(microseconds=1))
        self.all.append(Operation(action=step.action, created_at=now, updated_at=now))
        return self.all[-1]

    async def _run(
        self, operations: Sequence[Operation], steps: Sequence[Step], fault: Fault | None
    ) -> None:
        for operation, step in zip(operations, steps, strict=True):
            self._set_status(operation, "running")
            try:
                if fault:
                    await self._apply_fault(operation, step, fault)
                await self._performer.perform(step)
            except Exception as error:
                self._fail(operation, step, error)
                break
            step.on_finish()
            self._finish(operation, "finished")
        for operation in operations:
            if operation.ended_at is None:
                self._finish(operation, "cancelled")
        self._running_sets = {
            task for task in self._running_sets if task is not asyncio.current_task()
        }

    async def _apply_fault(self, operation: Operation, step: Step, fault: Fault) -> None:
        """Let the operation fail, or delay it, as the fault says."""
        if fault.how is How.FAILING_OPERATION:
            await self._clock.sleep(step.seconds)
            raise PlannedFailure
        if fault.how is How.RECOVERING_OPERATION:
            operation.failures_count += 1
            operation.error = str(PlannedFailure())
            operation.retry_at = self._clock.now() + timedelta(seconds=fault.seconds)
        self._set_status(operation, "failed" if operation.error else UNKNOWN_STATUS)
        await self._clock.sleep(fault.seconds)
        operation.error = operation.retry_at = None
        self._set_status(operation, "running")

    def _set_status(self, operation: Operation, status: str) -> None:
        if operation.started_at is None:
            operation.started_at = self._clock.elapsed()
        operation.status = status
        operation.updated_at = max(self._clock.now(), operation.created_at)

    def _finish(self, operation: Operation, status: str) -> None:
        self._set_status(operation, status)
        operation.ended_at = self._clock.elapsed()

    def _fail(self, operation: Operation, step: Step, error: Exception) -> None:
        self._performer.log_failure(step, error)
        operation.failures_count += 1
        operation.error = str(error) if isinstance(error, PgvendError) else "internal error"
        self._finish(operation, "error")
        step.on_failure()
