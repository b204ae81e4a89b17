"""The connection of a database, again."""

from dataclasses import dataclass

from domain.caller import ANYONE
from domain.database import Target
from domain.passwords import PasswordDeriver
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.driving.vended import Vended
from ports.records import record_of


@dataclass(frozen=True, kw_only=True)
class ShowConnection:
    registry: Registry
    provider: DatabaseProvider
    clock: Clock
    passwords: PasswordDeriver
    target: Target

    async def __call__(self, database_id: str, caller: str = ANYONE) -> Vended:
        """Raises DatabaseNotFound, OtherTarget, IllegalTransition unless the database is ready, and
        InFlight while it is being made or its password changes."""
        database = await record_of(self.registry, database_id, caller)
        database.check_target(self.target)
        database.check_known(self.clock.now())
        connection = await self.provider.reveal(database.order(self.passwords))
        return Vended(database=database, connection=connection)
