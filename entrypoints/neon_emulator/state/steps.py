"""The steps of operations, and the order in which their work is done, on time or late."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock


class PlannedFailure(PgvendError):
    """Internal error that a fault caused."""


async def _do_nothing_async() -> None: ...


def _do_nothing() -> None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """The plan of an operation that takes `seconds`: `work` is done at its end or `late` seconds
    afterwards."""

    action: str
    seconds: float
    late: float = 0
    work: Callable[[], Awaitable[None]] = _do_nothing_async
    on_finish: Callable[[], None] = _do_nothing
    on_failure: Callable[[], None] = _do_nothing


class Turn:
    """A place in a queue; it begins when the previous turn ends."""

    def __init__(self, previous: "Turn | None") -> None:
        self._previous = previous
        self._end = asyncio.Event()

    async def wait(self) -> None:
        if self._previous:
            await self._previous._end.wait()
            self._previous = None

    def end(self) -> None:
        self._end.set()


class Performer:
    """Performs one project's steps in the order of their start, late work included."""

    def __init__(self, clock: Clock, log: BoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._last: Turn | None = None
        self._late_tasks: set[asyncio.Task[None]] = set()
        self._usual_seconds: dict[str, float] = {}

    async def perform(self, step: Step) -> None:
        """Perform a step and wait for its duration. Raises the error of its work unless that is
        late."""
        turn = self._last = Turn(self._last)
        if step.late:
            await self._clock.sleep(step.seconds)
            self._schedule_late_work(step, turn)
        else:
            await self._perform_on_time(step, turn)

    def log_failure(self, step: Step, error: Exception) -> None:
        """Log why a step failed."""
        known = isinstance(error, PgvendError)
        self._log.warning(
            "neon_emulator.operation_failed",
            action=step.action,
            error=type(error).__name__,
            detail=str(error) if known else "",
            exc_info=not known,
        )

    async def close(self) -> None:
        for task in self._late_tasks:
            task.cancel()
        await asyncio.gather(*self._late_tasks, return_exceptions=True)

    async def _perform_on_time(self, step: Step, turn: Turn) -> None:
        """Do the work so that it ends with the step's time, as far as its duration is known."""
        started_at = self._clock.elapsed()
        await self._clock.sleep(max(0, step.seconds - self._usual_seconds.get(step.action, 0)))
        seconds = await self._do_work(step, turn)
        self._usual_seconds[step.action] = min(seconds, step.seconds / 2)
        remaining = step.seconds - (self._clock.elapsed() - started_at)
        if remaining > 0:
            await self._clock.sleep(remaining)

    async def _do_work(self, step: Step, turn: Turn) -> float:
        """Do the work. Return its duration in seconds."""
        try:
            await turn.wait()
            started_at = self._clock.elapsed()
            await step.work()
            return self._clock.elapsed() - started_at
        finally:
            turn.end()

    def _schedule_late_work(self, step: Step, turn: Turn) -> None:
        task = asyncio.create_task(self._do_late_work(step, turn))
        self._late_tasks.add(task)
        task.add_done_callback(self._late_tasks.discard)

    async def _do_late_work(self, step: Step, turn: Turn) -> None:
        await self._clock.sleep(step.late)
        try:
            await self._do_work(step, turn)
        except Exception as error:
            self.log_failure(step, error)
