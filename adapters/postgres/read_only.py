"""Read-only mode of a tenant: its sessions begin read-only, so that its database stops growing."""

from dataclasses import dataclass

from adapters.postgres import statements
from adapters.postgres.membership import member_of
from adapters.postgres.suspension import Suspend


@dataclass(frozen=True)
class Confinement:
    """A setting of the owner in its database. It stays when the role or its password changes. Both
    methods are safe to repeat after a crash at any point."""

    access: Suspend

    async def begin(self) -> None:
        """Set the mode, and end existing sessions, which would stay writable."""
        for name in self.access.whole:
            await self.access.insist(statements.confine(self.access.owner, name))
        await self.access.end_sessions()

    async def end(self) -> None:
        """Clear the mode, and end idle sessions. Active sessions may finish their work, such as
        deleting data."""
        for name in self.access.whole:
            await self.access.insist(statements.release(self.access.owner, name))
        async with member_of(self.access.session, self.access.owner, None):
            await self.access.session.execute(statements.end_idle(self.access.owner))
