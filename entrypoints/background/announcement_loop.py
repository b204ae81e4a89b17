"""The loop that announces events to webhooks while the service runs."""

from collections.abc import Callable
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.clock import Clock
from ports.use_cases.announce_events import AnnounceEvents


@dataclass
class AnnouncementLoop:
    """Announces every `interval` seconds, and calls `wake` when there are new deliveries; 0
    disables it. Logs the first of several errors in a row."""

    announce: AnnounceEvents
    wake: Callable[[], None]
    interval: float
    clock: Clock
    log: BoundLogger
    _is_failing: bool = False

    async def run_forever(self) -> None:
        while self.interval:
            await self._run_once()
            await self.clock.sleep(self.interval)

    async def _run_once(self) -> None:
        try:
            count = await self.announce()
        except PgvendError as error:
            if not self._is_failing:
                self.log.warning("webhooks.failed", error=error.code, detail=str(error))
            self._is_failing = True
        except Exception:
            self.log.exception("webhooks.crashed")
        else:
            self._is_failing = False
            if count:
                self.log.info("webhooks.announced", deliveries=count)
                self.wake()
