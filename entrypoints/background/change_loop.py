"""The loop that polls the registry for changes while streams of them are open."""

from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock
from ports.use_cases.poll_changes import PollChanges

INTERVAL = 0.5
"""Seconds between two polls: the delay of changes that other replicas make."""


@dataclass
class ChangeLoop:
    """Polls only while streams are open, and logs the first of several errors in a row."""

    poll: PollChanges
    clock: Clock
    log: BoundLogger
    _is_failing: bool = False

    async def run_forever(self) -> None:
        while True:
            await self.poll.feed.wait_for_use()
            while await self._run_once():
                await self.clock.sleep(INTERVAL)

    async def _run_once(self) -> bool:
        """Return whether the next poll is due."""
        try:
            is_due = await self.poll()
        except PgvendError as error:
            if not self._is_failing:
                self.log.warning("changes.failed", error=error.code, detail=str(error))
            self._is_failing = True
            return True
        except Exception:
            self.log.exception("changes.crashed")
            return True
        self._is_failing = False
        return is_due
