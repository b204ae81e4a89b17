"""The way into the database of a suspended tenant, for its dump alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe

from adapters.driver.connector import Login
from adapters.postgres import statements
from adapters.postgres.inspection import TenantState
from adapters.postgres.marks import Marks
from adapters.postgres.quoting import quote_identifier, quote_literal
from adapters.postgres.role_removal import RoleRemoval
from adapters.postgres.server import Server, find_address
from adapters.postgres.sessions import Session
from domain.names import MAX_IDENTIFIER
from domain.secrets import Secret

ROLE_PREFIX = "pgvend_export_"
"""Prefix of the names of temporary roles, which names of tenants' roles never have."""

_FIND_ROLE = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"

_MEMBERSHIPS = """
SELECT pg_get_userbyid(roleid) AS owner FROM pg_auth_members
WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""

_COUNT_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"


def build_role_name(tenant_id: str) -> str:
    """Return the name of the temporary role for the export of a tenant's database."""
    return (ROLE_PREFIX + tenant_id)[:MAX_IDENTIFIER]


async def remove_export_role(
    session: Session, tenant_id: str, server: Server, marks: Marks
) -> None:
    """End the sessions of the temporary role of a tenant's export, and drop the role if it exists.
    Other tenants can grant it privileges: if these cannot be removed now, the role stays, locked
    and without rights in the tenant's database."""
    role = build_role_name(tenant_id)
    found = await session.fetch(_FIND_ROLE, role)
    if not found:
        return
    await session.execute(statements.disable_login(role))
    removal = RoleRemoval(session, role, server, marks)
    if not await removal.run(in_parts=not found[0]["rolcanlogin"]):
        owners = [row["owner"] for row in await session.fetch(_MEMBERSHIPS, role)]
        await session.execute("; ".join(_build_removal_of_rights(role, owners)))


def _build_removal_of_rights(role: str, owners: Iterable[str]) -> Sequence[str]:
    member = quote_identifier(role)
    revocations = (f"REVOKE {quote_identifier(owner)} FROM {member}" for owner in owners)
    return [f"ALTER ROLE {member} PASSWORD NULL", *revocations, statements.leave_role(role)]


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
        stayed = await self.session.fetch(_FIND_ROLE, build_role_name(self.tenant_id))
        verb = "ALTER" if stayed else "CREATE"
        await self.session.execute(self._build_statements(verb, encoded, limit))
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

    def _build_statements(self, verb: str, password: str, limit: int) -> str:
        role = quote_identifier(build_role_name(self.tenant_id))
        owner, database = quote_identifier(self.state.owner), quote_identifier(self.database)
        return "; ".join(
            [
                f"{verb} ROLE {role} LOGIN CONNECTION LIMIT 1 PASSWORD {quote_literal(password)}",
                f"GRANT {owner} TO {role}",
                statements.join_role(self.state.owner),
                f"GRANT CONNECT ON DATABASE {database} TO {owner}",
                f"ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT {limit:d}",
                statements.leave_role(self.state.owner),
            ]
        )
