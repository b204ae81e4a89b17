"""Show the connection of a database."""

from dataclasses import dataclass, replace

from domain.availability import check_password_known, check_target
from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import InFlight, PasswordChanged, PgvendError
from domain.passwords import PasswordDeriver
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.driven.registry import Registry
from ports.use_cases.provisioned_database import ProvisionedDatabase, reveal_connection
from ports.use_cases.records import explain_absence, get_record


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
    ) -> ProvisionedDatabase:
        """Return the connection. With `verify`, log in first; `verified` says whether that worked.

        Raises DatabaseNotFound, OtherTarget, IllegalTransition unless the database is ready,
        InFlight while it is being created or its password changes, SecretUnknown, and, with
        `verify`, PasswordChanged when the owner set another password.
        """
        database = await get_record(self.registry, database_id, caller)
        check_target(database, self.target)
        check_password_known(database, self.clock.now())
        async with explain_absence(self.registry, self.clock, database.id):
            provisioned = await reveal_connection(self.provider, database, self.passwords)
        return (
            replace(provisioned, verified=await self._verify(provisioned))
            if verify
            else provisioned
        )

    async def _verify(self, provisioned: ProvisionedDatabase) -> bool:
        if self.login_check is None:
            return False
        try:
            await self.login_check.verify(provisioned.connection)
        except PasswordRefused as error:
            await self._check_same_password(provisioned.database)
            raise PasswordChanged from error
        except PgvendError:  # the server is busy or out of reach: the password may be right
            return False
        return True

    async def _check_same_password(self, database: Database) -> None:
        """Raise the error that explains a refusal: a rotation, expiry or deletion meanwhile."""
        current = await self.registry.get(database.id)
        check_password_known(current, self.clock.now())
        if current.rotation != database.rotation:
            raise InFlight("The password was rotated meanwhile; retry soon.")
