"""A tenant whose sessions begin read-only, so that its database does not grow by oversight."""

from dataclasses import dataclass

from adapters.postgres import statements
from adapters.postgres.membership import member_of
from adapters.postgres.suspending import Suspend


@dataclass(frozen=True)
class Confinement:
    """By a setting of the owner's in its database, which holds whatever is done to its role or its
    password. Every prefix of either method can be repeated."""

    access: Suspend

    async def begin(self) -> None:
        """Sessions that are there go on as they began, so they end."""
        for name in self.access.whole:
            await self.access.insist(statements.confine(self.access.owner, name))
        await self.access.end_sessions()

    async def end(self) -> None:
        """Sessions amid something, such as making room, may end it."""
        for name in self.access.whole:
            await self.access.insist(statements.release(self.access.owner, name))
        async with member_of(self.access.session, self.access.owner, None):
            await self.access.session.execute(statements.end_idle(self.access.owner))
