"""The loop that reconciles records and servers while the service runs."""

from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock
from ports.use_cases.reconcile import DONE, Reconcile, ReconcileResult

DRIFT_EVERY = 10
"""Drift is detected in every tenth reconciliation, because on Neon that needs requests."""


@dataclass(frozen=True)
class ReconcileLoop:
    """Reconciles every `interval` seconds; 0 disables it."""

    reconcile: Reconcile
    interval: float
    clock: Clock
    log: BoundLogger

    async def run_forever(self) -> None:
        """Reconcile repeatedly; the first pass resumes what the last process left unfinished."""
        passes = 0
        while self.interval:
            await self._run_once(drift=passes % DRIFT_EVERY == 0)
            passes += 1
            await self.clock.sleep(self.interval)

    async def _run_once(self, *, drift: bool) -> None:
        try:
            for result in await self.reconcile(drift=drift):
                self._log_result(result)
        except PgvendError as error:
            self.log.warning("reconcile.failed", error=error.code, detail=str(error))
        except Exception:
            self.log.exception("reconcile.crashed")

    def _log_result(self, result: ReconcileResult) -> None:
        write = self.log.info if result.outcome == DONE else self.log.warning
        write(
            f"reconcile.{result.action}",
            id=result.id,
            database=result.database,
            outcome=result.outcome,
            detail=result.detail,
            exc_info=result.crash,
        )
