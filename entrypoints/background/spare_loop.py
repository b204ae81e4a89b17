"""The loop that keeps spares ready while the service runs."""

from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock
from ports.use_cases.maintain_spares import MaintainSpares

INTERVAL = 30.0
"""Seconds between two checks without a claim, and after an error: another replica may have claimed
spares or stopped filling them."""

GAP = 0.05
"""Seconds without a creation before a claim leads to a check, which would slow down the next claim
of a burst; at most LONGEST_GAP, because creations may never pause."""

LONGEST_GAP = 1.0


@dataclass(frozen=True)
class SpareLoop:
    """Fills spares at the start, after each claim, and at intervals."""

    maintain: MaintainSpares
    clock: Clock
    log: BoundLogger

    async def run_forever(self) -> None:
        """Return only if no spares are wanted, when those of former settings are deleted."""
        pool = self.maintain.pool
        while True:
            is_done = await self._run_once()
            if is_done and not pool.is_wanted:
                return
            if is_done:
                await wait_for_first(pool.wait_for_claim(), self.clock.sleep(INTERVAL))
                await pool.running.yield_to_them(LONGEST_GAP, GAP)
            else:  # a claim repairs nothing
                await self.clock.sleep(INTERVAL)

    async def _run_once(self) -> bool:
        """Return whether it worked."""
        try:
            await self.maintain()
        except PgvendError as error:
            self.log.warning("spares.failed", error=error.code, detail=str(error))
        except Exception:
            self.log.exception("spares.crashed")
        else:
            return True
        return False
