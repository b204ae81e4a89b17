"""Measure the sizes of databases that a caller sees."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from domain.database import Database
from domain.errors import PgvendError
from domain.lifecycle import State
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.size_limiter import SizeLimiter

MAX_AGE = 60.0
"""Seconds after which a database is measured again."""

MAX_WAIT = 1.0
"""Seconds that a caller waits for sizes: a tenant with very many files must not delay a list."""

MAX_KEPT = 20_000
"""The maximum number of sizes that are kept."""


@dataclass(frozen=True, slots=True)
class KnownSize:
    """The size in bytes, None if it could not be measured, and the time of the measurement."""

    size: int | None
    at: float


@dataclass(frozen=True, kw_only=True)
class MeasureSizes:
    """Sizes are for information: a failure to measure means that they are unknown."""

    size_limiter: SizeLimiter
    clock: Clock
    target: Target
    known: dict[str, KnownSize] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, databases: Sequence[Database]) -> Mapping[str, int]:
        """Return the sizes, at most MAX_AGE old, by the ids of the databases. A database that is
        not ready, or was not measured in time, has none. Never raises a PgvendError."""
        ids = [each.id for each in databases if self._is_measurable(each)]
        with suppress(PgvendError, TimeoutError):
            async with asyncio.timeout(MAX_WAIT), self.lock:
                if wanted := [each for each in ids if not self._is_fresh(each)]:
                    await self._measure(wanted)
        return {each: size for each in ids if (size := self._get_size(each)) is not None}

    async def _measure(self, ids: Sequence[str]) -> None:
        """Measure these databases. After an error they stay unknown for a while, too."""
        self._remember(dict.fromkeys(ids))
        measured = await self.size_limiter.measure_sizes(ids)
        self._remember({each: measure.size for each, measure in measured.items()})

    def _remember(self, sizes: Mapping[str, int | None]) -> None:
        if len(self.known) > MAX_KEPT:
            self.known.clear()
        now = self.clock.elapsed()
        self.known.update((each, KnownSize(size, now)) for each, size in sizes.items())

    def _is_measurable(self, database: Database) -> bool:
        return database.state is State.READY and database.target.name == self.target.name

    def _is_fresh(self, database_id: str) -> bool:
        known = self.known.get(database_id)
        return known is not None and self.clock.elapsed() < known.at + MAX_AGE

    def _get_size(self, database_id: str) -> int | None:
        known = self.known.get(database_id)
        return known.size if known and self._is_fresh(database_id) else None
