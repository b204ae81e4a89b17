"""The way into the database of a suspended tenant, for its dump alone."""

from dataclasses import dataclass
from secrets import token_urlsafe

from adapters.driver.connector import Login
from adapters.postgres import statements
from adapters.postgres.inspection import TenantState
from adapters.postgres.quoting import quote_identifier, quote_literal
from adapters.postgres.server import Server, find_address
from adapters.postgres.sessions import Session
from domain.names import MAX_IDENTIFIER
from domain.secrets import Secret

ROLE_PREFIX = "pgvend_export_"
"""Prefix of the names of temporary roles, which names of tenants' roles never have."""

_ROLE_EXISTS = "SELECT FROM pg_roles WHERE rolname = $1"

_COUNT_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"


def build_role_name(tenant_id: str) -> str:
    """Return the name of the temporary role for the export of a tenant's database."""
    return (ROLE_PREFIX + tenant_id)[:MAX_IDENTIFIER]


async def remove_export_role(session: Session, tenant_id: str) -> None:
    """Drop the temporary role of a tenant's export if it exists, and end its sessions."""
    role = build_role_name(tenant_id)
    if await session.fetch(_ROLE_EXISTS, role):
        await session.execute(
            f"{statements.join_and_end_sessions(role)}; {statements.drop_role(role)}"
        )


@dataclass(frozen=True)
class ExportAccess:
    """The access of a temporary role to the first intact database of a suspended tenant.

    The role is a member of the tenant's owner and has no other rights. The owner itself stays
    locked, and keeps its password. The database admits one session more than those that are open
    (of superusers, of autovacuum): roles that were granted access do not get in.
    """

    session: Session
    tenant_id: str
    state: TenantState
    server: Server

    async def open(self) -> Login:
        """Open the database, which is closed, and return a login to it."""
        database, password = self.database, Secret(token_urlsafe(32))
        limit = await self.session.fetchval(_COUNT_SESSIONS, database) + 1
        encoded = await self.server.encode_password(password)
        await self.session.execute(self._build_statements(encoded, limit))
        return {
            **find_address(self.server),
            "user": build_role_name(self.tenant_id),
            "password": password.reveal(),
            "database": database,
        }

    @property
    def database(self) -> str:
        """The name of the database. There has to be one."""
        return next(each.name for each in self.state.databases if not each.is_broken)

    def _build_statements(self, password: str, limit: int) -> str:
        role = quote_identifier(build_role_name(self.tenant_id))
        owner, database = quote_identifier(self.state.owner), quote_identifier(self.database)
        return "; ".join(
            [
                f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1 PASSWORD {quote_literal(password)}",
                f"GRANT {owner} TO {role}",
                statements.join_role(self.state.owner),
                f"GRANT CONNECT ON DATABASE {database} TO {owner}",
                f"ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT {limit:d}",
                statements.leave_role(self.state.owner),
            ]
        )
