"""The sweep, again and again, while the service runs."""

import asyncio
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock
from ports.driving.sweep import DONE, Finding, Sweep

DRIFT_EVERY = 10
"""Sweeps from one look at all that the provider holds to the next: on Neon that takes requests."""


@dataclass(frozen=True)
class Sweeping:
    """Every `interval` seconds; 0 for never."""

    sweep: Sweep
    interval: float
    clock: Clock
    log: BoundLogger

    async def forever(self) -> None:
        """The first sweep, at once, goes on with what the last process left."""
        passes = 0
        while self.interval:
            await self._once(drift=passes % DRIFT_EVERY == 0)
            passes += 1
            await self.clock.sleep(self.interval)

    async def _once(self, *, drift: bool) -> None:
        try:
            for finding in await self.sweep(drift=drift):
                self._tell(finding)
        except PgvendError as error:
            self.log.warning("sweep.failed", error=error.code, detail=str(error))
        except Exception:
            self.log.exception("sweep.crashed")

    def _tell(self, finding: Finding) -> None:
        tell = self.log.info if finding.outcome == DONE else self.log.warning
        tell(
            f"sweep.{finding.action}",
            id=finding.id,
            database=finding.database,
            outcome=finding.outcome,
            detail=finding.detail,
            exc_info=finding.crash,
        )


async def stopped(task: asyncio.Task[None]) -> None:
    """End the task; what it was doing is taken up by the next sweep of whatever process."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
