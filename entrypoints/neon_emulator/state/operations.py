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
from entrypoints.neon_emulator.state.steps import Performer
from entrypoints.neon_emulator.steps import PlannedFailure, Step
from ports.driven.clock import Clock

STRANGE_STATUS = "reticulating"
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
    began: float | None = None
    ended: float | None = None


class Operations:
    def __init__(self, clock: Clock, log: BoundLogger) -> None:
        self.all: list[Operation] = []
        self._clock = clock
        self._performer = Performer(clock, log)
        self._sets: set[asyncio.Task[None]] = set()
        self._held_until = -math.inf

    @property
    def running(self) -> bool:
        return bool(self._sets)

    def hold(self, seconds: float | None) -> None:
        """Lock the project, as an internal operation of Neon does; None means until unlocked."""
        self._held_until = math.inf if seconds is None else self._clock.elapsed() + seconds

    def release(self) -> None:
        self._held_until = -math.inf

    def check_free(self, *, beside: int, code: str) -> None:
        """Raise Locked if the project is locked, or operations of more than `overlapping` requests
        are running."""
        if self._clock.elapsed() < self._held_until or len(self._sets) > beside:
            raise Locked(code)

    def begin(self, steps: Sequence[Step], fault: Fault | None = None) -> list[Operation]:
        """Start the operations of one request, each with `fault`: the first one runs, the others
        wait for it."""
        operations = [self._recorded(step) for step in steps]
        if operations:
            self._enter(operations[0], "running")
            task = asyncio.create_task(self._run(operations, steps, fault))
            self._sets.add(task)
        return operations

    def seconds(self, operation: Operation) -> float:
        """Return how long the operation took, or has taken so far."""
        if operation.began is None:
            return 0
        ended = self._clock.elapsed() if operation.ended is None else operation.ended
        return ended - operation.began

    async def idle(self) -> None:
        """Wait until no operation is running."""
        while self._sets:
            await asyncio.wait(self._sets)

    async def close(self) -> None:
        """Cancel all running operations."""
        for task in self._sets:
            task.cancel()
        await asyncio.gather(*self._sets, return_exceptions=True)
        self._sets = set()
        await self._performer.close()

    def _recorded(self, step: Step) -> Operation:
        now = self._clock.now()
        if self.all:  # the cursor of pages: no two operations share a time
            now = max(now, self.all[-1].created_at + timedelta(microseconds=1))
        self.all.append(Operation(action=step.action, created_at=now, updated_at=now))
        return self.all[-1]

    async def _run(
        self, operations: Sequence[Operation], steps: Sequence[Step], fault: Fault | None
    ) -> None:
        for operation, step in zip(operations, steps, strict=True):
            self._enter(operation, "running")
            try:
                if fault:
                    await self._suffer(operation, step, fault)
                await self._performer.perform(step)
            except Exception as error:
                self._fail(operation, step, error)
                break
            step.finished()
            self._end(operation, "finished")
        for operation in operations:
            if operation.ended is None:
                self._end(operation, "cancelled")
        self._sets = {task for task in self._sets if task is not asyncio.current_task()}

    async def _suffer(self, operation: Operation, step: Step, fault: Fault) -> None:
        """Let the operation fail, or delay it, as the fault says."""
        if fault.how is How.FAILING_OPERATION:
            await self._clock.sleep(step.seconds)
            raise PlannedFailure
        if fault.how is How.RECOVERING_OPERATION:
            operation.failures_count += 1
            operation.error = str(PlannedFailure())
            operation.retry_at = self._clock.now() + timedelta(seconds=fault.seconds)
        self._enter(operation, "failed" if operation.error else STRANGE_STATUS)
        await self._clock.sleep(fault.seconds)
        operation.error = operation.retry_at = None
        self._enter(operation, "running")

    def _enter(self, operation: Operation, status: str) -> None:
        if operation.began is None:
            operation.began = self._clock.elapsed()
        operation.status = status
        operation.updated_at = max(self._clock.now(), operation.created_at)

    def _end(self, operation: Operation, status: str) -> None:
        self._enter(operation, status)
        operation.ended = self._clock.elapsed()

    def _fail(self, operation: Operation, step: Step, error: Exception) -> None:
        self._performer.tell(step, error)
        operation.failures_count += 1
        operation.error = str(error) if isinstance(error, PgvendError) else "internal error"
        self._end(operation, "error")
        step.failed()
