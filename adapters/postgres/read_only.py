"""Read-only mode of a tenant: its sessions begin read-only, so that its database stops growing."""

from dataclasses import dataclass

from adapters.postgres import statements
from adapters.postgres.membership import role_membership
from adapters.postgres.suspension import Suspension


@dataclass(frozen=True)
class ReadOnlyMode:
    """A setting of the owner in its database. It stays when the role or its password changes. Both
    methods are safe to repeat after a crash at any point."""

    suspension: Suspension

    async def enable(self) -> None:
        """Set the mode, and end existing sessions, which would stay writable."""
        for name in self.suspension.intact_names:
            await self.suspension.execute_past_locks(
                statements.set_read_only(self.suspension.owner, name)
            )
        await self.suspension.end_sessions()

    async def disable(self) -> None:
        """Clear the mode, and end idle sessions. Active sessions may finish their work, such as
        deleting data."""
        for name in self.suspension.intact_names:
            await self.suspension.execute_past_locks(
                statements.clear_read_only(self.suspension.owner, name)
            )
        async with role_membership(self.suspension.session, self.suspension.owner, None):
            await self.suspension.session.execute(
                statements.end_idle_sessions(self.suspension.owner)
            )
