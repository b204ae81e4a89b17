"""The connection of a database, again."""

from dataclasses import dataclass

from domain.caller import ANYONE, Caller
from domain.passwords import PasswordDeriver
from domain.target import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.driving.vended import Vended, vended_again
from ports.records import record_of, still_there


@dataclass(frozen=True, kw_only=True)
class ShowConnection:
    registry: Registry
    provider: DatabaseProvider
    clock: Clock
    passwords: PasswordDeriver
    target: Target

    async def __call__(self, database_id: str, caller: Caller = ANYONE) -> Vended:
        """Raises DatabaseNotFound, OtherTarget, IllegalTransition unless the database is ready,
        InFlight while it is being made or its password changes, and SecretUnknown."""
        database = await record_of(self.registry, database_id, caller)
        database.check_target(self.target)
        database.check_known(self.clock.now())
        async with still_there(self.registry, self.clock, database.id):
            return await vended_again(self.provider, database, self.passwords)
