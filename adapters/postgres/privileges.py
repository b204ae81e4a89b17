"""Revocation of a role's privileges that DROP OWNED does not revoke, or not in time.

DROP OWNED revokes only privileges that the owner of an object granted, whichever role runs it.
Privileges that other roles passed on by a grant option can be revoked only by these roles. DROP
OWNED also revokes everything at once.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import asyncpg

from adapters.postgres import statements
from adapters.postgres.marks import Marks
from adapters.postgres.quoting import quote_identifier

MAX_PRIVILEGES = 10_000
"""The maximum number of privileges that one query returns."""

BATCH_SIZE = 300
"""The maximum number of privileges or policies that one transaction changes; each may take a
lock."""

_GRANTED = """
WITH named AS MATERIALIZED (
    SELECT classid, objid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
    AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND deptype = 'a'
    AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), lists (class, oid, owner, list) AS (
    SELECT 'pg_class'::regclass, oid, relowner, relacl FROM pg_class
    UNION ALL SELECT 'pg_class', attrelid,
        (SELECT relowner FROM pg_class WHERE oid = attrelid), attacl FROM pg_attribute
    UNION ALL SELECT 'pg_proc', oid, proowner, proacl FROM pg_proc
    UNION ALL SELECT 'pg_namespace', oid, nspowner, nspacl FROM pg_namespace
    UNION ALL SELECT 'pg_type', oid, typowner, typacl FROM pg_type
    UNION ALL SELECT 'pg_language', oid, lanowner, lanacl FROM pg_language
    UNION ALL SELECT 'pg_foreign_server', oid, srvowner, srvacl FROM pg_foreign_server
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid, fdwowner, fdwacl FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_largeobject', oid, lomowner, lomacl FROM pg_largeobject_metadata
    UNION ALL SELECT 'pg_database', oid, datdba, datacl FROM pg_database
), granted AS (
    SELECT DISTINCT class, lists.oid, grantor FROM lists, aclexplode(list) AS entry
    WHERE (class, lists.oid) IN (SELECT classid, objid FROM named) AND (grantor <> owner OR $4)
      AND grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)
    LIMIT $2
)
SELECT pg_get_userbyid(grantor) AS grantor, pg_has_role(grantor, 'USAGE') AS is_member,
       CASE WHEN type ~ '(table|view|sequence)$' THEN 'TABLE'
            WHEN type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
            WHEN type = 'domain' THEN 'TYPE'
            WHEN type = 'server' THEN 'FOREIGN SERVER'
            WHEN type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
            ELSE type END || ' ' || identity AS object
FROM granted, pg_identify_object(class, oid, 0)
WHERE pg_has_role(grantor, 'USAGE') OR starts_with(shobj_description(grantor, 'pg_authid'), $3)
ORDER BY 1
"""


async def revoke_delegated(session: asyncpg.Connection, role: str, marks: Marks) -> None:
    """Revoke the privileges in the session's database that other tenants' roles passed on to the
    role, as these roles."""
    await _revoke_all(session, role, await _find_grants(session, role, marks, by_owners=False))


async def revoke_in_batches(session: asyncpg.Connection, role: str, marks: Marks) -> None:
    """Revoke the role's privileges in the session's database, including those that owners granted,
    until DROP OWNED can revoke the rest quickly."""
    while len(grants := await _find_grants(session, role, marks, by_owners=True)) == MAX_PRIVILEGES:
        await _revoke_all(session, role, grants)


async def _find_grants(
    session: asyncpg.Connection, role: str, marks: Marks, *, by_owners: bool
) -> Sequence[asyncpg.Record]:
    return await session.fetch(_GRANTED, role, MAX_PRIVILEGES, marks.prefix, by_owners)


async def _revoke_all(
    session: asyncpg.Connection, role: str, grants: Sequence[asyncpg.Record]
) -> None:
    for (grantor, is_member), rows in groupby(grants, itemgetter("grantor", "is_member")):
        grantee = quote_identifier(role)
        revocations = [f"REVOKE ALL ON {row['object']} FROM {grantee} CASCADE" for row in rows]
        for begin in range(0, len(revocations), BATCH_SIZE):
            batch = revocations[begin : begin + BATCH_SIZE]
            await session.execute(_build_batch(grantor, batch, joins=not is_member))


def _build_batch(grantor: str, revocations: Sequence[str], *, joins: bool) -> str:
    """Return one transaction that runs the revocations as the grantor. With `joins`, the admin is
    a member of the grantor's role only in it."""
    batch = [f"SET LOCAL ROLE {quote_identifier(grantor)}", *revocations, "SET LOCAL ROLE NONE"]
    if joins:
        batch = [statements.join_role(grantor), *batch, statements.leave_role(grantor)]
    return "; ".join(batch)
