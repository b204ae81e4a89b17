"""Is this server one to vend on?"""

import asyncpg

from adapters.postgres.errors import LACKS_PRIVILEGE
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session
from domain.errors import ProviderRejected

_POWERS = """
-- INHERIT: the admin drops a tenant's database as a member of its owner
SELECT rolsuper OR (rolcreatedb AND rolcreaterole AND rolinherit) AS enough,
       pg_is_in_recovery() AS standby
FROM pg_roles WHERE rolname = current_user
"""

_OPEN_DATABASES = """
SELECT datname, current_user AS admin, datname = current_database() AS is_admins
FROM pg_database d
WHERE datallowconn AND EXISTS (
    SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
    WHERE entry.grantee = 0 AND entry.privilege_type IN ('CONNECT', 'TEMPORARY')
) AND (NOT $1 OR pg_get_userbyid(datdba) = current_user)
  AND NOT starts_with(coalesce(shobj_description(datdba, 'pg_authid'), ''), 'pgvend:')
ORDER BY datname
"""
# a tenant may let others into its own


async def check_powers(session: Session | asyncpg.Connection) -> None:
    """Raises ProviderRejected when the admin may not make roles and databases here."""
    powers = await session.fetchrow(_POWERS)
    if powers is None or powers["standby"]:
        raise ProviderRejected("The PostgreSQL server is a standby; name its primary.")
    if not powers["enough"]:
        raise ProviderRejected(LACKS_PRIVILEGE)


async def closing_statements(session: Session, *, own: bool) -> list[str]:
    """What a superuser has to run, once, so that tenants reach no database but their own; only what
    the admin may run itself, where there is no superuser to ask.

    PostgreSQL lets everybody into a new database, `postgres` and `template1` among them, and only
    a database's owner can change that. We did not make those, so we leave them to the operator.
    """
    found = []
    for row in await session.fetch(_OPEN_DATABASES, own):
        name = identifier(row["datname"])
        if row["is_admins"]:  # the next statement would shut us out with all others
            found.append(f"GRANT CONNECT ON DATABASE {name} TO {identifier(row['admin'])};")
        found.append(f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;")
    return found
