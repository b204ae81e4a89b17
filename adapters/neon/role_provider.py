"""DatabaseProvider that uses SQL on a Neon branch: isolation `role`."""

from dataclasses import dataclass

from adapters.neon.branch import NeonBranch
from adapters.postgres.provider import PostgresProvider


@dataclass(frozen=True, kw_only=True)
class RoleProvider(PostgresProvider):
    """The provider for any PostgreSQL server, except that `ping` asks the API: a session would
    wake the compute and prevent its suspension."""

    branch: NeonBranch

    async def ping(self) -> None:
        await self.branch.check()
