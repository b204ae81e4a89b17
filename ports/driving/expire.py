"""The end of a database whose time has come: frozen for the time of grace, then dropped."""

from dataclasses import dataclass
from datetime import timedelta

from domain.database import Database
from domain.states import State
from domain.steps import Work
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from ports.driving.delete import DeleteDatabase
from ports.records import attempt, changed


@dataclass(frozen=True, kw_only=True)
class ExpireDatabase:
    """`grace` is how long after its end a database can still be restored."""

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    delete: DeleteDatabase
    clock: Clock
    grace: timedelta

    async def finish(self, database_id: str) -> bool:
        """Do what its time asks for; whether there was anything for this call to do. Idempotent."""
        async with self.leases.held(database_id) as is_mine:
            if not is_mine:
                return False
            database = await changed(self.registry, database_id, self._due)
            if database.state is State.DELETING:
                await self.delete.drop(database)
            elif self._is_to_suspend(database):
                await self._suspend(database)
            else:
                return False
            return True

    def _due(self, database: Database) -> Database | None:
        now = self.clock.now()
        if not database.is_over(now):
            return None
        if database.is_over(now - self.grace) and database.state in {State.READY, State.EXPIRED}:
            return database.moved(State.DELETING).began(Work.DELETE, now)
        if database.state is State.READY:
            return database.moved(State.EXPIRED).began(Work.SUSPEND, now)
        if database.state is State.EXPIRED and database.is_pending(Work.RESTORE):
            # it was cut off, and may have let the tenant in again
            return database.did(Work.RESTORE, now).began(Work.SUSPEND, now)
        return None

    def _is_to_suspend(self, database: Database) -> bool:
        """Not one that is on its way back meanwhile."""
        is_over = database.is_over(self.clock.now())
        return is_over and database.state is State.EXPIRED and database.is_pending(Work.SUSPEND)

    async def _suspend(self, database: Database) -> None:
        async with attempt(self.registry, self.clock, database, Work.SUSPEND):
            await self.provider.suspend(database.tenant)
        await changed(self.registry, database.id, self._suspended)

    def _suspended(self, database: Database) -> Database | None:
        if database.expires_at is None or not self._is_to_suspend(database):
            return None
        return database.did(Work.SUSPEND, self.clock.now(), database.expires_at + self.grace)
