"""What is on the server: looked at before anything is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.postgres.sessions import Session
from domain.naming import MAX_IDENTIFIER
from domain.order import Holding, Tenant

_ROLES = """
WITH named AS MATERIALIZED (
    SELECT oid, rolname, shobj_description(oid, 'pg_authid') AS mark
    FROM pg_roles WHERE rolname = $1
)
SELECT oid, rolname AS name, mark IS NOT DISTINCT FROM $2 AS is_ours FROM named
UNION ALL
SELECT r.oid, r.rolname, true FROM pg_shdescription AS d JOIN pg_roles AS r ON r.oid = d.objoid
WHERE d.classoid = 'pg_authid'::regclass AND d.description = $2
  AND NOT EXISTS (SELECT FROM named WHERE mark = $2)
ORDER BY oid
"""
# by name first: the index that finds it does not know marks, and without one all comments are read
# (1 ms for 10,000 roles)

_DATABASES = """
SELECT datname AS name, datconnlimit = -2 AS broken, datdba = $2 AS is_ours
FROM pg_database WHERE datname = $1 OR datdba = $2
"""

TOMBSTONE = "pgvend_tombstone_"
"""What the names of tombstones begin with, and those of tenants' roles do not."""

_INVENTORY = """
SELECT substr(marks.mark, length($1) + 1) AS id, d.datname AS database, r.rolname AS owner
FROM pg_roles r
CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS marks (mark)
LEFT JOIN pg_database d ON d.datdba = r.oid
WHERE starts_with(marks.mark, $1)
ORDER BY marks.mark, d.datname
"""


@dataclass(frozen=True, slots=True)
class SeenDatabase:
    name: str
    broken: bool
    """An interrupted DROP left it: nobody can connect, and only another DROP can touch it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What bears a tenant's mark, and whether something of others has its names.

    `owner` is the name of its role, which may differ from the one in its record; empty where there
    is no role. `databases` are those of that role.
    """

    owner: str
    databases: tuple[SeenDatabase, ...]
    has_foreign: bool

    @property
    def has_role(self) -> bool:
        return bool(self.owner)

    def is_tombstone(self, tenant: Tenant) -> bool:
        return self.owner == tombstone_name(tenant.id)


@dataclass(frozen=True, slots=True)
class Marks:
    """How our roles are known: a comment of `pgvend:<installation>:<id>` on the role.

    Only who has CREATEROLE can write one, which a tenant has not.
    """

    installation: str

    @property
    def prefix(self) -> str:
        return f"pgvend:{self.installation}:"

    def of(self, tenant: Tenant) -> str:
        return self.prefix + tenant.id

    def id_in(self, mark: str | None) -> str | None:
        """The tenant's id in a mark of ours; None in any other text."""
        is_ours = mark is not None and mark.startswith(self.prefix)
        return mark.removeprefix(self.prefix) if mark and is_ours else None


def tombstone_name(tenant_id: str) -> str:
    return (TOMBSTONE + tenant_id)[:MAX_IDENTIFIER]


async def look(session: Session, tenant: Tenant, marks: Marks) -> Sight:
    """Find what bears the tenant's mark, under whatever name: its role, and that role's
    databases."""
    names = tenant.names
    roles = await session.fetch(_ROLES, names.owner, marks.of(tenant))
    role = next((role for role in roles if role["is_ours"]), None)
    databases = await session.fetch(_DATABASES, names.database, role["oid"] if role else 0)
    mine = [database for database in databases if database["is_ours"]]
    return Sight(
        owner=role["name"] if role else "",
        databases=tuple(SeenDatabase(found["name"], found["broken"]) for found in mine),
        has_foreign=any(not role["is_ours"] for role in roles) or len(mine) < len(databases),
    )


async def inventory(session: Session, marks: Marks) -> Sequence[Holding]:
    """All that bears a mark of this installation, ordered by id."""
    found = await session.fetch(_INVENTORY, marks.prefix)
    return [_holding(**row) for row in found]


def _holding(id: str, database: str | None, owner: str) -> Holding:  # noqa: A002 - the column
    is_tombstone = database is None and owner == tombstone_name(id)
    return Holding(id=id, database=database, owner=owner, is_tombstone=is_tombstone)
