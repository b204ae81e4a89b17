"""DatabaseProvider by SQL on a Neon branch: isolation `role`."""

from dataclasses import dataclass

from adapters.neon.branch import NeonBranch
from adapters.postgres.provider import PostgresProvider


@dataclass(frozen=True, kw_only=True)
class RoleProvider(PostgresProvider):
    """As on any PostgreSQL server, but for the question of its health: a session would wake the
    compute, and keep it from ever being suspended."""

    branch: NeonBranch

    async def ping(self) -> None:
        await self.branch.check()
