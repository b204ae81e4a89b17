"""Watch the steps of a database as they happen."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import Unavailable
from domain.lifecycle import Step
from ports.driven.clock import Clock
from ports.driven.registry import Registry
from ports.use_cases.records import get_record

POLL_INTERVAL = 0.25
"""Seconds between two reads of the record. Another replica may perform the steps, so that only the
registry knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The record, and its steps that were not returned before."""

    database: Database
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class WatchDatabase:
    registry: Registry
    clock: Clock

    async def __call__(
        self, database_id: str, after: int = 0, caller: Caller = ANYONE
    ) -> AsyncIterator[Progress]:
        """Yield the progress at each interval, starting with the steps after number `after`, until
        nothing is pending. Raises DatabaseNotFound, and Unavailable before the first progress;
        later the last record counts while the registry is unavailable."""
        database = await get_record(self.registry, database_id, caller)
        while True:
            steps = tuple(step for step in database.history if step.number > after)
            yield Progress(database=database, steps=steps)
            if database.is_idle:
                return
            after = steps[-1].number if steps else after
            await self.clock.sleep(POLL_INTERVAL)
            with suppress(Unavailable):
                database = await get_record(self.registry, database_id, caller)
