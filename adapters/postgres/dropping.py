"""The end of a tenant: whatever it, or a neighbour, put in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.grants import take_back_grants
from adapters.postgres.guests import end_guests, end_holders, end_lockers
from adapters.postgres.prepared import end_prepared_transactions
from adapters.postgres.quoting import identifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from adapters.postgres.sight import Marks, SeenDatabase
from adapters.postgres.stalled import drop_database
from domain.errors import ProviderBusy, ProviderRejected


@dataclass(frozen=True)
class Drop:
    """Shut the owner out, drop its databases, then itself. Every prefix of it can be repeated."""

    session: Session
    owner: str
    server: Server
    marks: Marks

    async def __call__(self, databases: Sequence[SeenDatabase]) -> None:
        await self.session.execute(statements.throw_out(self.owner))
        for database in databases:  # before anything waits for what they have locked
            await self._end_prepared_transactions(database.name)
        await self.session.execute(statements.shut_out(self.owner))
        for database in databases:
            await self._drop_database(database)
        await self._drop_role()

    async def _drop_database(self, database: SeenDatabase) -> None:
        if not database.broken:
            await self._close(database.name)
        try:
            await drop_database(self.session, database.name)
        except asyncpg.ObjectInUseError:
            await self._end_prepared_transactions(database.name)
            await drop_database(self.session, database.name)
        except asyncpg.InsufficientPrivilegeError:
            await self._drop_with_guests(database.name)

    async def _close(self, database: str) -> None:
        try:
            await self.session.execute(statements.soon(statements.close_database(database)))
        except asyncpg.LockNotAvailableError:
            await end_lockers(self.session, database)
            await self.session.execute(statements.close_database(database))

    async def _drop_with_guests(self, database: str) -> None:
        """FORCE ends nobody's session when one is there that the admin may not end: of a neighbour
        who was let in, or who is being refused at this moment; of autovacuum; of a superuser.

        Without FORCE, autovacuum is sent away and all others are waited for.
        """
        await end_guests(self.session, database)
        try:
            await drop_database(self.session, database, force=False)
        except asyncpg.ObjectInUseError as error:
            raise ProviderBusy(
                "Somebody else's session is in the database and has to end."
            ) from error

    async def _end_prepared_transactions(self, database: str) -> None:
        await end_prepared_transactions(self.session, database, self.owner, self.server, self.marks)

    async def _drop_role(self) -> None:
        try:
            await self.session.execute(statements.drop_role(self.owner))
            return
        except asyncpg.DependentObjectsStillExistError:
            await take_back_grants(self.session, self.owner, self.server, self.marks)
        except asyncpg.LockNotAvailableError:
            await end_holders(self.session, self.owner)
        try:
            await self.session.execute(statements.drop_role(self.owner))
        except asyncpg.DependentObjectsStillExistError as error:
            raise ProviderRejected(
                f"Others granted the role {self.owner!r} what the admin cannot take back; have a "
                f"superuser run DROP OWNED BY {identifier(self.owner)}; in each database where "
                "they did."
            ) from error
