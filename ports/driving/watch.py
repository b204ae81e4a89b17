"""What is done for a database, as it happens."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from domain.caller import ANYONE, Caller
from domain.database import Database
from domain.errors import Unavailable
from domain.steps import Step
from ports.driven.clock import Clock
from ports.driven.registry import Registry
from ports.records import record_of

INTERVAL = 0.25
"""Seconds between two looks. The registry is asked, and nothing in this process: another replica
may be the one that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The record, and those of its steps that have not been told yet."""

    database: Database
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class WatchDatabase:
    registry: Registry
    clock: Clock

    async def __call__(
        self, database_id: str, after: int = 0, caller: Caller = ANYONE
    ) -> AsyncIterator[Look]:
        """Looks, from time to time, beginning with the steps that follow number `after`. The last
        one is the first at which nothing goes on any more. Raises DatabaseNotFound, and
        Unavailable before the first look; later on, what was seen last counts meanwhile."""
        database = await record_of(self.registry, database_id, caller)
        while True:
            steps = tuple(step for step in database.history if step.number > after)
            yield Look(database=database, steps=steps)
            if database.is_at_rest:
                return
            after = steps[-1].number if steps else after
            await self.clock.sleep(INTERVAL)
            with suppress(Unavailable):
                database = await record_of(self.registry, database_id, caller)
