"""Logging of calls and of records: structured events with names, ids and durations, never a
secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from structlog.stdlib import BoundLogger

from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.errors import PgvendError
from domain.lifecycle import Operation, State
from domain.templates import describe_state
from ports.driven.clock import Clock
from ports.driven.registry import Changes, Query, Registry


@dataclass(frozen=True)
class CallLogger:
    """An observer that logs one event for each call with its duration: a warning if it fails, else
    for debugging."""

    clock: Clock
    log: BoundLogger

    @contextmanager
    def __call__(self, event: str, **fields: str) -> Iterator[None]:
        started_at = self.clock.elapsed()
        try:
            yield
        except PgvendError as error:
            ms = self._measure_ms(started_at)
            self.log.warning(event, **fields, error=error.code, detail=str(error), ms=ms)
            raise
        except BaseException as error:
            self.log.error(
                event, **fields, error=type(error).__name__, ms=self._measure_ms(started_at)
            )
            raise
        self.log.debug(event, **fields, ms=self._measure_ms(started_at))

    def _measure_ms(self, started_at: float) -> float:
        return round((self.clock.elapsed() - started_at) * 1000, 1)


@dataclass(frozen=True)
class LoggingRegistry(Registry):
    """Logs one event for each stored record, named by its state: `database.ready` or
    `template.ready`."""

    inner: Registry
    log: BoundLogger

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return self._log_state(await self.inner.add(database, quota, event))

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        stored = await self.inner.update(database, quota, event)
        # while provisioning, the provider's own events report the steps; a template that is ready
        # still replaces others
        is_step = describe_state(stored) is State.PROVISIONING
        return (
            stored if is_step or stored.is_pending(Operation.REPLACE) else self._log_state(stored)
        )

    async def get(self, database_id: str) -> Database:
        return await self.inner.get(database_id)

    async def search(self, query: Query) -> list[Database]:
        return await self.inner.search(query)

    async def list_changes(self, since: datetime | None = None) -> Changes:
        return await self.inner.list_changes(since)

    async def count_states(self) -> Mapping[State, int]:
        return await self.inner.count_states()

    async def count_live(self, caller: str) -> int:
        return await self.inner.count_live(caller)

    async def ping(self) -> None:
        await self.inner.ping()

    def _log_state(self, database: Database) -> Database:
        """Log the state: in detail only for a spare, for which no caller asked."""
        log = self.log.debug if database.is_spare else self.log.info
        kind = "template" if database.is_template else "database"
        log(
            f"{kind}.{describe_state(database)}",
            id=database.id,
            nickname=database.nickname.text,
            database=database.names.database,
            target=database.target.name,
        )
        return database
