"""Checks of a server and its admin against pgvend's requirements."""

from collections.abc import Iterator, Sequence

import asyncpg

from adapters.postgres.errors import LACKS_PRIVILEGE
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import Session
from domain.doctor import Fix
from domain.errors import ProviderRejected

_ADMIN_PRIVILEGES = """
-- INHERIT: the admin drops a tenant's database as a member of its owner
SELECT rolsuper OR (rolcreatedb AND rolcreaterole AND rolinherit) AS is_sufficient,
       pg_is_in_recovery() AS standby
FROM pg_roles WHERE rolname = current_user
"""

SERVER_DATABASES = ("postgres", "template1")
"""Databases of the server itself. Every other one that pgvend did not create belongs to others."""

IS_OTHERS = f"{{database}} NOT IN {SERVER_DATABASES}"
"""The SQL condition that a database that pgvend did not create belongs to others."""

_OPEN_DATABASES = f"""
SELECT datname, current_user AS admin, datname = current_database() AS is_admins,
       {IS_OTHERS.format(database="datname")} AS is_others
FROM pg_database d
WHERE datallowconn AND EXISTS (
    SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
    WHERE entry.grantee = 0 AND entry.privilege_type IN ('CONNECT', 'TEMPORARY')
) AND (NOT $1 OR pg_get_userbyid(datdba) = current_user)
  AND NOT starts_with(coalesce(shobj_description(datdba, 'pg_authid'), ''), 'pgvend:')
ORDER BY datname
"""
# without tenants' databases: a tenant may grant access to its own


async def check_admin_privileges(session: Session | asyncpg.Connection) -> None:
    """Check the admin's privileges. Raises ProviderRejected if the admin may not create roles and
    databases, or if the server is a standby."""
    row = await session.fetchrow(_ADMIN_PRIVILEGES)
    if row is None or row["standby"]:
        raise ProviderRejected("The PostgreSQL server is a standby: set the DSN to its primary.")
    if not row["is_sufficient"]:
        raise ProviderRejected(LACKS_PRIVILEGE)


async def build_public_access_fixes(session: Session, *, only_own: bool) -> Sequence[Fix]:
    """Return the statements that a superuser has to run once, so that tenants reach no database but
    their own. With `only_own`, return those for the admin's databases, which the admin
    may run itself.

    PostgreSQL grants everybody access to a new database, including `postgres` and `template1`, and
    only the database's owner can revoke it. pgvend did not create those databases, so it leaves
    them to the operator.
    """
    rows = await session.fetch(_OPEN_DATABASES, only_own)
    return [
        Fix(statement, by_admin=only_own, affects_others=row["is_others"])
        for row in rows
        for statement in _list_revocations(row)
    ]


def _list_revocations(row: asyncpg.Record) -> Iterator[str]:
    name = quote_identifier(row["datname"])
    if row["is_admins"]:  # the next statement would revoke the admin's access too
        yield f"GRANT CONNECT ON DATABASE {name} TO {quote_identifier(row['admin'])};"
    yield f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;"
