"""Drop a database: promised at once, done in the background."""

from dataclasses import dataclass

from domain.caller import ANYONE, Caller
from domain.database import Database
from domain.states import State
from domain.steps import Work
from domain.target import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from ports.records import attempt, changed, seen_by

PAUSE = 0.5
"""Seconds from one look to the next at whether nobody else is at work."""


@dataclass(frozen=True, kw_only=True)
class DeleteDatabase:
    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    target: Target

    async def promise(self, database_id: str, caller: Caller = ANYONE) -> Database:
        """Record that the database is to go; from here on it never becomes ready again.

        Idempotent: one that is deleting or gone stays as it is. Raises DatabaseNotFound and
        OtherTarget.
        """

        def promised(database: Database) -> Database | None:
            seen_by(caller, database)
            if database.is_lost:  # where it turns up again, it is to be dropped
                return database.did(Work.DELETE, self.clock.now())
            if database.is_gone:
                return None
            database.check_target(self.target)
            if database.state is State.DELETING:
                return None
            return database.moved(State.DELETING).began(Work.DELETE, self.clock.now())

        return await changed(self.registry, database_id, promised)

    async def finish(self, database_id: str) -> bool:
        """Drop what was promised to go; whether this call did. Idempotent; after an error it is
        still promised, and the sweep tries again."""
        async with self.leases.held(database_id) as is_mine:
            if not is_mine:
                return False
            database = await self.registry.get(database_id)
            if database.state is not State.DELETING:
                return False
            await self.drop(database)
            return True

    async def see_through(self, database_id: str) -> None:
        """`finish`, as soon as whoever is at work on it, a rotation say, is done. Raises what
        `finish` raises."""
        while not await self.finish(database_id):
            database = await self.registry.get(database_id)
            if database.state is not State.DELETING:
                return
            await self.clock.sleep(PAUSE)

    async def drop(self, database: Database) -> None:
        """For whoever holds the lease: drop what was promised to go, and say what became of it."""
        async with attempt(self.registry, self.clock, database, Work.DELETE):
            await self.provider.delete(database.tenant)
        await changed(self.registry, database.id, self._dropped)

    def _dropped(self, database: Database) -> Database | None:
        is_open = database.state is State.DELETING  # else somebody finished it at the same time
        return database.dropped(self.clock.now()) if is_open else None
