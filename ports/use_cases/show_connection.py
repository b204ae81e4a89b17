"""Show the connection of a database."""

from dataclasses import dataclass, replace

from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import InFlight, PasswordChanged, PgvendError
from domain.passwords import PasswordDeriver
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.driven.registry import Registry
from ports.use_cases.provisioned_database import Vended, vended_again
from ports.use_cases.records import record_of, still_there


@dataclass(frozen=True, kw_only=True)
class ShowConnection:
    """`login_check` is None if the operator turned it off; then nothing is verified."""

    registry: Registry
    provider: DatabaseProvider
    login_check: LoginCheck | None
    clock: Clock
    passwords: PasswordDeriver
    target: Target

    async def __call__(
        self, database_id: str, caller: Caller = ANYONE, *, verify: bool = False
    ) -> Vended:
        """Return the connection. With `verify`, log in first; `verified` says whether that worked.

        Raises DatabaseNotFound, OtherTarget, IllegalTransition unless the database is ready,
        InFlight while it is being created or its password changes, SecretUnknown, and, with
        `verify`, PasswordChanged when the owner set another password.
        """
        database = await record_of(self.registry, database_id, caller)
        database.check_target(self.target)
        database.check_known(self.clock.now())
        async with still_there(self.registry, self.clock, database.id):
            shown = await vended_again(self.provider, database, self.passwords)
        return replace(shown, verified=await self._verified(shown)) if verify else shown

    async def _verified(self, shown: Vended) -> bool:
        if self.login_check is None:
            return False
        try:
            await self.login_check.verify(shown.connection)
        except PasswordRefused as error:
            await self._check_same_password(shown.database)
            raise PasswordChanged from error
        except PgvendError:  # the server is busy or out of reach: the password may be right
            return False
        return True

    async def _check_same_password(self, database: Database) -> None:
        """Raise the error that explains a refusal: a rotation, expiry or deletion meanwhile."""
        current = await self.registry.get(database.id)
        current.check_known(self.clock.now())
        if current.rotation != database.rotation:
            raise InFlight("The password was rotated meanwhile; retry soon.")
