"""The loop that reconciles records and servers while the service runs."""

import asyncio
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock
from ports.use_cases.reconcile import DONE, Finding, Sweep

DRIFT_EVERY = 10
"""Drift is detected in every tenth reconciliation, because on Neon that needs requests."""


@dataclass(frozen=True)
class Sweeping:
    """Reconciles every `interval` seconds; 0 disables it."""

    reconcile: Sweep
    interval: float
    clock: Clock
    log: BoundLogger

    async def forever(self) -> None:
        """Reconcile repeatedly; the first pass resumes what the last process left unfinished."""
        passes = 0
        while self.interval:
            await self._once(drift=passes % DRIFT_EVERY == 0)
            passes += 1
            await self.clock.sleep(self.interval)

    async def _once(self, *, drift: bool) -> None:
        try:
            for finding in await self.reconcile(drift=drift):
                self._tell(finding)
        except PgvendError as error:
            self.log.warning("reconcile.failed", error=error.code, detail=str(error))
        except Exception:
            self.log.exception("reconcile.crashed")

    def _tell(self, finding: Finding) -> None:
        write = self.log.info if finding.outcome == DONE else self.log.warning
        write(
            f"reconcile.{finding.action}",
            id=finding.id,
            database=finding.database,
            outcome=finding.outcome,
            detail=finding.detail,
            exc_info=finding.crash,
        )


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancel the task and wait for its end; the next reconciliation resumes its work."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
