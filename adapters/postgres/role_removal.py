"""Removal of a role despite what other tenants granted to it."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_object_lock_holders
from adapters.postgres.dependents import has_dependents
from adapters.postgres.grants import GrantRevocation
from adapters.postgres.marks import Marks
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session

_CANNOT_DROP_ROLE = (
    asyncpg.DependentObjectsStillExistError,
    asyncpg.LockNotAvailableError,
    asyncpg.OutOfMemoryError,  # of the server's table of locks
    asyncpg.QueryCanceledError,
)
"""Errors that prevent dropping a role for now."""


@dataclass(frozen=True)
class RoleRemoval:
    """Drops a role that cannot log in and owns no database, if it exists."""

    session: Session
    role: str
    server: Server
    marks: Marks

    async def run(self, *, in_parts: bool) -> bool:
        """Drop the role, after what refers to it was removed if necessary. Return whether it is
        gone. `in_parts` removes some of many objects, for a role that stayed before."""
        if await self._try_to_drop():
            return True
        revocation = GrantRevocation(self.session, self.role, self.server, self.marks)
        if not await has_dependents(self.session, self.role):
            await end_object_lock_holders(self.session, role=self.role)
        elif in_parts:
            await revocation.revoke_in_parts()
        else:
            await revocation.revoke_at_once()
        return await self._try_to_drop()

    async def _try_to_drop(self) -> bool:
        try:
            await self.session.execute(
                statements.with_short_lock_timeout(statements.drop_role(self.role))
            )
        except _CANNOT_DROP_ROLE:
            return False
        return True
