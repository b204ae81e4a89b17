"""Drop a database: promised at once, done in the background."""

from dataclasses import dataclass

from domain.database import Database, State, StepState
from domain.errors import Conflict, StaleRecord
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
        while True:
            database = await self.registry.get(database_id)
            if database.is_gone or database.state is State.RETIRING:
                return database
            retiring = database.moved(State.RETIRING)
            try:
                return await self.registry.update(
                    retiring.with_step("retire", StepState.RUNNING, self.clock.now())
                )
            except StaleRecord:
                continue  # it changed meanwhile: look again

    async def finish(self, database_id: str) -> None:
        """Drop what was promised to go. Idempotent; after an error it is still promised."""
        database = await self.registry.get(database_id)
        if database.state is not State.RETIRING:
            return
        await self.provider.retire(database.tenant)
        retired = database.with_step("retire", StepState.DONE, self.clock.now())
        try:
            await self.registry.update(retired.moved(State.RETIRED))
        except Conflict:
            return  # somebody else finished it at the same time
