"""The steps of operations: their work, on time or late."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock


class PlannedFailure(PgvendError):
    """Internal error, caused by a fault."""


async def _no_work() -> None: ...


def _nothing() -> None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """The plan of an operation that takes `seconds`: `work` is done at its end or `late` seconds
    afterwards."""

    action: str
    seconds: float
    late: float = 0
    work: Callable[[], Awaitable[None]] = _no_work
    on_finish: Callable[[], None] = _nothing
    on_failure: Callable[[], None] = _nothing


class Turn:
    """A place in a queue, which is reached when the previous turn ends."""

    def __init__(self, before: "Turn | None") -> None:
        self._before = before
        self._over = asyncio.Event()

    async def wait(self) -> None:
        if self._before:
            await self._before._over.wait()
            self._before = None

    def end(self) -> None:
        self._over.set()


class Performer:
    """Performs one project's steps in the order of their start, late work included."""

    def __init__(self, clock: Clock, log: BoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._last: Turn | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._usual: dict[str, float] = {}

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
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _perform_on_time(self, step: Step, turn: Turn) -> None:
        """Do the work so that it ends with the step's time, as far as its duration is known."""
        begin = self._clock.elapsed()
        await self._clock.sleep(max(0, step.seconds - self._usual.get(step.action, 0)))
        seconds = await self._do_work(step, turn)
        self._usual[step.action] = min(seconds, step.seconds / 2)
        left = step.seconds - (self._clock.elapsed() - begin)
        if left > 0:
            await self._clock.sleep(left)

    async def _do_work(self, step: Step, turn: Turn) -> float:
        """Do the work. Return its duration in seconds."""
        try:
            await turn.wait()
            begin = self._clock.elapsed()
            await step.work()
            return self._clock.elapsed() - begin
        finally:
            turn.end()

    def _schedule_late_work(self, step: Step, turn: Turn) -> None:
        task = asyncio.create_task(self._do_late_work(step, turn))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _do_late_work(self, step: Step, turn: Turn) -> None:
        await self._clock.sleep(step.late)
        try:
            await self._do_work(step, turn)
        except Exception as error:
            self.log_failure(step, error)
