"""Drop a database: promised at once, done in the background."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.database import Database, State, StepState
from domain.errors import PgvendError, StaleRecord
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry


@dataclass(frozen=True, kw_only=True)
class RetireDatabase:
    registry: Registry
    provider: DatabaseProvider
    clock: Clock

    async def promise(self, database_id: str) -> Database:
        """Record that the database is to go; from here on it never becomes ready again.

        Idempotent: one that is retiring or gone stays as it is. Raises DatabaseNotFound.
        """

        def promised(database: Database) -> Database | None:
            if database.is_gone or database.state is State.RETIRING:
                return None
            return self._with_step(database.moved(State.RETIRING), StepState.RUNNING)

        return await self._changed(database_id, promised)

    async def finish(self, database_id: str) -> None:
        """Drop what was promised to go. Idempotent; after an error it is still promised."""
        database = await self.registry.get(database_id)
        if database.state is not State.RETIRING:
            return
        try:
            await self.provider.retire(database.tenant)
        except PgvendError:
            await self._changed(database_id, self._failed)
            raise
        await self._changed(database_id, self._finished)

    def _failed(self, database: Database) -> Database | None:
        is_open = database.state is State.RETIRING
        return self._with_step(database, StepState.FAILED) if is_open else None

    def _finished(self, database: Database) -> Database | None:
        if database.state is not State.RETIRING:
            return None  # somebody else finished it at the same time
        return self._with_step(database.moved(State.RETIRED), StepState.DONE)

    def _with_step(self, database: Database, state: StepState) -> Database:
        return database.with_step("retire", state, self.clock.now())

    async def _changed(
        self, database_id: str, change: Callable[[Database], Database | None]
    ) -> Database:
        """The record after `change`, which is asked again when the record changed meanwhile, and
        says None where there is nothing to change."""
        while True:
            database = await self.registry.get(database_id)
            changed = change(database)
            if changed is None:
                return database
            try:
                return await self.registry.update(changed)
            except StaleRecord:
                continue
