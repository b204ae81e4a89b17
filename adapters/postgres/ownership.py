"""Transfer of everything in a copied database to its new owner.

REASSIGN OWNED alone is not enough: it refuses functions in schemas that the new owner may not
create in, leaves default privileges, privileges and policies with the former owner, and transfers
the former owner's other databases too. No statement here runs code of a tenant: none evaluates an
expression, a policy or a trigger of the database.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

PART_SIZE = 300
"""The number of relations that one transaction transfers if there are many: each takes some locks,
of which a server has a few thousand."""

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
# explicit, because the source's owner may have chosen another level for the database

_IS_HERE = """
dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
AND refclassid = 'pg_authid'::regclass
"""

FORMER_OWNERS = f"""
SELECT rolname AS name, mark
FROM pg_roles AS r CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS comments (mark)
WHERE rolname <> $1 AND starts_with(mark, $2)
  AND r.oid IN (SELECT refobjid FROM pg_shdepend WHERE {_IS_HERE} AND deptype = 'o')
ORDER BY rolname
"""
"""Roles of tenants that own objects in the session's database, except for the new owner."""

_DATABASES = """
SELECT format('ALTER DATABASE %I OWNER TO %I', datname, rolname) AS statement
FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = ANY ($1::text[])
"""

_USER_MAPPINGS = """
SELECT format('SET LOCAL ROLE %1$I; DROP USER MAPPING FOR %1$I SERVER %2$I; SET LOCAL ROLE NONE',
              usename, srvname) AS statement
FROM pg_user_mappings WHERE usename = ANY ($1::text[])
"""
# they hold the former owner's passwords on other servers

_DEFAULT_PRIVILEGES = """
WITH defaults AS (
    SELECT pg_get_userbyid(defaclrole) AS role, defaclacl AS list,
           coalesce(' IN SCHEMA ' || quote_ident(nspname), '') AS place,
           CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
               WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS'
               ELSE 'LARGE OBJECTS' END AS kind,
           CASE WHEN nspname IS NULL THEN acldefault(
               CASE defaclobjtype WHEN 'S' THEN 's' ELSE defaclobjtype END, defaclrole)
           END AS initial
    FROM pg_default_acl LEFT JOIN pg_namespace AS n ON n.oid = defaclnamespace
    WHERE pg_get_userbyid(defaclrole) = ANY ($1::text[])
), targets AS (
    SELECT *, $2::text AS owner, list AS wanted FROM defaults WHERE role = $3
    UNION ALL SELECT *, role, initial FROM defaults
), changes AS (
    SELECT 1 AS step, targets.*, 'REVOKE ALL' AS action, 'FROM' AS preposition, grantee, '' AS more
    FROM targets, aclexplode(list || initial)
    UNION ALL
    SELECT 2, targets.*, 'GRANT ' || privilege_type, 'TO', grantee,
           CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    FROM targets, aclexplode(wanted)
)
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s ON %s %s %s%s', owner, place, action, kind,
    preposition, CASE WHEN grantee = 0 THEN 'PUBLIC'
        WHEN pg_get_userbyid(grantee) = role THEN quote_ident(owner)
        ELSE quote_ident(pg_get_userbyid(grantee)) END, more) AS statement
FROM changes ORDER BY step
"""
# the new owner gets those of the source's owner; a list that equals the initial one disappears

_SCHEMAS = """
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, $2::text) AS statement
FROM pg_namespace WHERE pg_get_userbyid(nspowner) = ANY ($1::text[])
"""

_CLOSED_SCHEMAS = """
SELECT format('GRANT CREATE ON SCHEMA %I TO %I', nspname, $1::text) AS grant,
       format('REVOKE CREATE ON SCHEMA %I FROM %I', nspname, $1::text) AS revoke
FROM pg_namespace WHERE pg_has_role($1::text, nspowner, 'USAGE')
  AND NOT has_schema_privilege($1::text, oid, 'CREATE')
"""
# an owner may have revoked its own privilege, which the new owner of a function needs

_RELATIONS = """
SELECT format('ALTER %s %I.%I OWNER TO %I', CASE relkind WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
              nspname, relname, $2::text) AS statement
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE pg_get_userbyid(relowner) = ANY ($1::text[]) AND (
    relkind IN ('r', 'p', 'v', 'm', 'f', 'c') OR relkind = 'S' AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.deptype IN ('a', 'i')
    )
) ORDER BY c.oid LIMIT $3
"""
# indexes, and sequences of columns, follow their table

_REASSIGN = """
SELECT format('REASSIGN OWNED BY %s TO %I', string_agg(quote_ident(role), ', '), $2::text)
    AS statement
FROM unnest($1::text[]) AS role
"""

_PRIVILEGES = f"""
WITH named AS MATERIALIZED (
    SELECT DISTINCT classid, objid, rolname FROM pg_shdepend JOIN pg_roles AS r ON r.oid = refobjid
    WHERE {_IS_HERE} AND deptype = 'a' AND rolname = ANY ($1::text[])
), lists AS (
    SELECT 'pg_class'::regclass AS class, oid, relacl AS list FROM pg_class
    UNION ALL SELECT 'pg_proc', oid, proacl FROM pg_proc
    UNION ALL SELECT 'pg_namespace', oid, nspacl FROM pg_namespace
    UNION ALL SELECT 'pg_type', oid, typacl FROM pg_type
    UNION ALL SELECT 'pg_language', oid, lanacl FROM pg_language
    UNION ALL SELECT 'pg_foreign_server', oid, srvacl FROM pg_foreign_server
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid, fdwacl FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_largeobject', oid, lomacl FROM pg_largeobject_metadata
)
SELECT coalesce('GRANT ' || granted.privileges || format(' ON %s TO %I; ', target, $2::text), '')
    || format('REVOKE ALL ON %s FROM %I CASCADE', target, rolname) AS statement
FROM named CROSS JOIN LATERAL pg_identify_object(classid, objid, 0) CROSS JOIN LATERAL (
    SELECT CASE WHEN type ~ '(table|view|sequence)$' THEN 'TABLE'
                WHEN type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
                WHEN type = 'domain' THEN 'TYPE'
                WHEN type = 'server' THEN 'FOREIGN SERVER'
                WHEN type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
                ELSE type END || ' ' || identity
) AS object (target) LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT privilege_type, ', ') FROM lists, aclexplode(list)
    WHERE class = classid AND oid = objid AND pg_get_userbyid(grantee) = rolname
) AS granted (privileges) ON true
"""
# only those on objects of other owners, such as the schema `public`, are left

_POLICIES = """
SELECT format('ALTER POLICY %I ON %I.%I TO %s', polname, nspname, relname, (
    SELECT string_agg(DISTINCT quote_ident(
        CASE WHEN name = ANY ($1::text[]) THEN $2::text ELSE name END), ', ')
    FROM unnest(polroles) AS role CROSS JOIN LATERAL pg_get_userbyid(role) AS users (name)
)) AS statement
FROM pg_policy JOIN pg_class AS c ON c.oid = polrelid JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE polroles && (SELECT array_agg(oid) FROM pg_roles WHERE rolname = ANY ($1::text[]))
"""


@dataclass(frozen=True)
class OwnershipTransfer:
    """Transfers the session's database from the `former` owners to the role `owner`. The session's
    user is a member of all of them. `source` is the former owner whose default privileges count."""

    session: asyncpg.Connection
    former: Sequence[str]
    source: str
    owner: str

    async def run(self) -> None:
        """Transfer everything, and leave other databases as they are. Safe to repeat.

        An error leaves the session in a transaction: close it.
        """
        while len(relations := await self._build(_RELATIONS, self.owner, PART_SIZE)) == PART_SIZE:
            await self.session.execute(_BEGIN)
            await self._execute_with_schemas(relations)
            await self.session.execute("COMMIT")
        await self._transfer_rest()
        await self._transfer_privileges()

    async def _transfer_rest(self) -> None:
        """Transfer what REASSIGN OWNED does, and give the former owners' databases back, in one
        transaction."""
        await self.session.execute(_BEGIN)
        databases = await self._build(_DATABASES)
        await self._execute(await self._build(_USER_MAPPINGS))
        await self._execute(await self._build(_DEFAULT_PRIVILEGES, self.owner, self.source))
        await self._execute_with_schemas(await self._build(_REASSIGN, self.owner))
        await self._execute(databases)
        await self._execute(await self._build(_POLICIES, self.owner))
        await self.session.execute("COMMIT")

    async def _execute_with_schemas(self, statements: Sequence[str]) -> None:
        """Transfer all schemas, then execute the statements while the owner may create in each of
        its schemas."""
        await self._execute(await self._build(_SCHEMAS, self.owner))
        closed = await self.session.fetch(_CLOSED_SCHEMAS, self.owner)
        grants, revocations = [row["grant"] for row in closed], [row["revoke"] for row in closed]
        await self._execute([*grants, *statements, *revocations])

    async def _transfer_privileges(self) -> None:
        for statement in await self._build(_PRIVILEGES, self.owner):
            with suppress(asyncpg.InsufficientPrivilegeError):  # an operator's object
                await self.session.execute(statement)

    async def _build(self, query: str, *values: object) -> list[str]:
        rows = await self.session.fetch(query, self.former, *values)
        return [row["statement"] for row in rows]

    async def _execute(self, statements: Sequence[str]) -> None:
        if statements:  # the driver cannot run an empty text
            await self.session.execute("; ".join(statements))
