"""Removal of objects that refer to a role and prevent dropping it.

DROP OWNED removes all of them at once and takes a lock for each removed object. A hundred thousand
policies need more locks than a server has. Privileges need no locks.
"""

from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from adapters.postgres import statements
from adapters.postgres.marks import Marks
from adapters.postgres.privileges import BATCH_SIZE, revoke_delegated, revoke_in_batches
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import Session
from domain.doctor import format_count

MAX_OBJECTS_AT_ONCE = 100
"""The number of objects in one database that are removed at once; each takes some locks."""

MAX_TRANSACTIONS = 100
"""The maximum number of transactions in one call."""

MAX_DATABASES_LISTED = 5
"""The maximum number of databases that a message lists."""

_IS_REFERENCE = """
refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""

_COUNTS = f"""
SELECT coalesce(datname, 'the server') AS place, count(*) AS objects
FROM pg_shdepend AS d LEFT JOIN pg_database ON pg_database.oid = d.dbid
WHERE {_IS_REFERENCE} GROUP BY 1 ORDER BY 2 DESC, 1
"""

_IS_HERE = f"""
{_IS_REFERENCE} AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_COUNT_LOCKING_OBJECTS = f"""
SELECT count(*) FROM (
    SELECT FROM pg_shdepend WHERE {_IS_HERE} AND deptype IN ('o', 'r')
    LIMIT {MAX_OBJECTS_AT_ONCE + 1}
) AS first
"""
# policies, and objects that the role owns

_TABLES = f"""
SELECT DISTINCT c.oid, format('%I.%I', nspname, relname) AS name,
       pg_get_userbyid(relowner) AS owner, pg_has_role(relowner, 'USAGE') AS is_member
FROM (
    SELECT polrelid FROM pg_shdepend AS d JOIN pg_policy AS p ON p.oid = d.objid
    JOIN pg_class AS c ON c.oid = polrelid
    WHERE {_IS_HERE} AND classid = 'pg_policy'::regclass AND polrelid <> ALL ($3)
      AND (pg_has_role(relowner, 'USAGE')
           OR starts_with(shobj_description(relowner, 'pg_authid'), $4))
    LIMIT $2
) AS first JOIN pg_class AS c ON c.oid = polrelid JOIN pg_namespace AS n ON n.oid = relnamespace
ORDER BY owner
"""

_POLICIES = """
SELECT format('%I.%I', nspname, relname) AS name, relrowsecurity AS is_on, CASE
    WHEN rest.roles IS NULL THEN format('DROP POLICY %I ON %I.%I', polname, nspname, relname)
    ELSE format('ALTER POLICY %I ON %I.%I TO %s', polname, nspname, relname, rest.roles)
END AS statement
FROM pg_policy AS p JOIN pg_class AS c ON c.oid = polrelid
JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_roles AS target ON target.rolname = $1
CROSS JOIN LATERAL (
    SELECT string_agg(quote_ident(pg_get_userbyid(role)), ', ') FROM unnest(polroles) AS role
    WHERE role <> target.oid
) AS rest (roles)
WHERE polrelid = ANY ($3) AND target.oid = ANY (polroles) LIMIT $2
"""

_OBJECTS = f"""
SELECT CASE o.type
    WHEN 'large object' THEN format('SELECT lo_unlink(%s)', objid)
    WHEN 'statistics object' THEN format('DROP STATISTICS %s', o.identity)
    WHEN 'default acl' THEN (
        SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I REVOKE ALL ON %s FROM %s',
            $1::text, nspname, CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                WHEN 'f' THEN 'ROUTINES' ELSE 'TYPES' END,
            string_agg(CASE grantee WHEN 0 THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(grantee)) END, ', '))
        FROM pg_default_acl AS a JOIN pg_namespace AS n ON n.oid = defaclnamespace
        CROSS JOIN LATERAL aclexplode(defaclacl) WHERE a.oid = objid GROUP BY nspname, defaclobjtype
    )
    ELSE format('DROP %s %s', o.type, o.identity)
END AS statement
FROM pg_shdepend AS d CROSS JOIN LATERAL pg_identify_object(classid, objid, 0) AS o
WHERE {_IS_HERE} AND deptype = 'o' AND o.identity IS NOT NULL ORDER BY objid DESC LIMIT $2
"""
# newest first: later objects may depend on earlier ones


@dataclass
class Dependents:
    """Objects in the session's database that refer to the role. Objects of other owners stay,
    except for policies that apply to this role alone."""

    session: asyncpg.Connection
    role: str
    marks: Marks
    busy_tables: list[int] = field(default_factory=list, init=False)
    """Oids of tables that other sessions use."""

    async def remove(self) -> None:
        """Remove all objects at once. Leave them if there are too many for that."""
        await revoke_delegated(self.session, self.role, self.marks)
        if await self.session.fetchval(_COUNT_LOCKING_OBJECTS, self.role) <= MAX_OBJECTS_AT_ONCE:
            await self.session.execute(statements.drop_owned(self.role))

    async def remove_in_parts(self) -> None:
        """Remove as many objects as one call may. Commit every part; a repeated call continues."""
        await revoke_in_batches(self.session, self.role, self.marks)
        await self._remove_policies()
        for row in await self.session.fetch(_OBJECTS, self.role, BATCH_SIZE * MAX_TRANSACTIONS):
            with suppress(asyncpg.PostgresError):  # in use by a session or another object
                await self.session.execute(row["statement"] or "")
        await self.remove()

    async def _remove_policies(self) -> None:
        size = BATCH_SIZE
        for _ in range(MAX_TRANSACTIONS):
            try:
                if not await self._remove_some_policies(size):
                    return
            except asyncpg.OutOfMemoryError:  # of locks
                if size == 1:
                    return
                size //= 2

    async def _remove_some_policies(self, size: int) -> bool:
        """Remove policies of one owner's tables. Lock each table before reading its policies, so
        that no concurrent change is lost. The isolation level is explicit, because the database's
        default could give an older snapshot."""
        async with self.session.transaction(isolation="read_committed"):
            tables = await self.session.fetch(
                _TABLES, self.role, size, self.busy_tables, self.marks.prefix
            )
            if not tables:
                return False
            owner, is_member = tables[0]["owner"], tables[0]["is_member"]
            if not is_member:
                await self.session.execute(statements.join_role(owner))
            table_oids = [
                row["oid"]
                for row in tables
                if row["owner"] == owner and await self._lock_table(row)
            ]
            await self._change_policies(
                await self.session.fetch(_POLICIES, self.role, size, table_oids)
            )
            if not is_member:
                await self.session.execute(statements.leave_role(owner))
        return True

    async def _lock_table(self, table: asyncpg.Record) -> bool:
        try:
            async with self.session.transaction():
                await self.session.execute(f"LOCK TABLE ONLY {table['name']}")
        except asyncpg.LockNotAvailableError:
            self.busy_tables.append(table["oid"])
            return False
        return True

    async def _change_policies(self, policies: list[asyncpg.Record]) -> None:
        """Change the policies with row security off, in a transaction that no other session sees.
        If row security is on, each change reads all policies of the table again."""
        protected = {row["name"] for row in policies if row["is_on"]}
        off = [f"ALTER TABLE ONLY {name} DISABLE ROW LEVEL SECURITY" for name in protected]
        on = [f"ALTER TABLE ONLY {name} ENABLE ROW LEVEL SECURITY" for name in protected]
        await self.session.execute("; ".join([*off, *(row["statement"] for row in policies), *on]))


async def has_dependents(session: Session, role: str) -> bool:
    """Return whether any object on the server refers to the role."""
    return bool(await session.fetch(_COUNTS, role))


async def explain_dependents(session: Session, role: str) -> str:
    """Describe the objects that refer to the role, and how a superuser removes them."""
    counts = await session.fetch(_COUNTS, role)
    if not counts:
        return f"The role {role} stays until the transaction that refers to it has ended."
    places = ", ".join(
        f"{format_count(row['objects'], 'object')} of {row['place']}"
        for row in counts[:MAX_DATABASES_LISTED]
    )
    return (
        f"The role {role} is locked and stays, because other objects refer to it: {places}"
        f"{' and others' if len(counts) > MAX_DATABASES_LISTED else ''}. Each "
        "reconciliation removes some of them. If their number does not fall, have a superuser run "
        f"DROP OWNED BY {quote_identifier(role)}; in each of these databases."
    )
