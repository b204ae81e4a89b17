"""Marks of tenants, and inspection of their objects on the server before every change."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres.sessions import Session
from domain.names import MAX_IDENTIFIER
from domain.provisioning import InventoryItem, Tenant

_ROLES = """
WITH named AS MATERIALIZED (
    SELECT oid, rolname, shobj_description(oid, 'pg_authid') AS mark
    FROM pg_roles WHERE rolname = $1
)
SELECT oid, rolname AS name, mark IS NOT DISTINCT FROM $2 AS has_mark FROM named
UNION ALL
SELECT r.oid, r.rolname, true FROM pg_shdescription AS d JOIN pg_roles AS r ON r.oid = d.objoid
WHERE d.classoid = 'pg_authid'::regclass AND d.description = $2
  AND NOT EXISTS (SELECT FROM named WHERE mark = $2)
ORDER BY oid
"""
# by name first, which has an index; a search by mark reads all comments (1 ms for 10,000 roles)

_DATABASES = """
SELECT datname AS name, datconnlimit = -2 AS is_broken, datdba = $2 AS is_owned
FROM pg_database WHERE datname = $1 OR datdba = $2
"""

TOMBSTONE_PREFIX = "pgvend_tombstone_"
"""Prefix of the names of tombstones, which names of tenants' roles never have."""

_INVENTORY = """
SELECT substr(marks.mark, length($1) + 1) AS id, d.datname AS database, r.rolname AS owner
FROM pg_roles r
CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS marks (mark)
LEFT JOIN pg_database d ON d.datdba = r.oid
WHERE starts_with(marks.mark, $1)
ORDER BY marks.mark, d.datname
"""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """A tenant's database."""

    name: str
    is_broken: bool
    """An interrupted DROP left it: it accepts no connections and can only be dropped."""


@dataclass(frozen=True, slots=True)
class TenantState:
    """The objects that bear a tenant's mark, and whether other objects have its names.

    `owner` is the name of the tenant's role, which may differ from the name in its record; empty if
    the role does not exist. `databases` are the databases that this role owns.
    """

    owner: str
    databases: tuple[DatabaseState, ...]
    has_name_conflict: bool

    @property
    def has_role(self) -> bool:
        return bool(self.owner)

    def is_tombstone(self, tenant: Tenant) -> bool:
        return self.owner == build_tombstone_name(tenant.id)


ANY_MARK = "pgvend:"
"""Prefix of the marks of all installations."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of an installation's tenants: a comment `pgvend:<installation>:<id>` on the role.

    Writing one needs CREATEROLE, which tenants do not have.
    """

    installation: str

    @property
    def prefix(self) -> str:
        return f"{ANY_MARK}{self.installation}:"

    def of(self, tenant: Tenant) -> str:
        return self.prefix + tenant.id

    def id_from_mark(self, mark: str | None) -> str | None:
        """Return the tenant's id in a mark of this installation, or None for any other text."""
        if mark is None or not mark.startswith(self.prefix):
            return None
        return mark.removeprefix(self.prefix)


def build_tombstone_name(tenant_id: str) -> str:
    """Return the name of a deleted tenant's role that cannot be dropped yet."""
    return (TOMBSTONE_PREFIX + tenant_id)[:MAX_IDENTIFIER]


async def inspect_tenant(session: Session, tenant: Tenant, marks: Marks) -> TenantState:
    """Find the role with the tenant's mark, under any name, and its databases."""
    names = tenant.names
    roles = await session.fetch(_ROLES, names.owner, marks.of(tenant))
    role = next((role for role in roles if role["has_mark"]), None)
    databases = await session.fetch(_DATABASES, names.database, role["oid"] if role else 0)
    own = [database for database in databases if database["is_owned"]]
    return TenantState(
        owner=role["name"] if role else "",
        databases=tuple(DatabaseState(row["name"], row["is_broken"]) for row in own),
        has_name_conflict=any(not role["has_mark"] for role in roles) or len(own) < len(databases),
    )


async def fetch_inventory(session: Session, marks: Marks) -> Sequence[InventoryItem]:
    """Return all roles and databases with a mark of this installation, ordered by id."""
    rows = await session.fetch(_INVENTORY, marks.prefix)
    return [_item_from_row(row) for row in rows]


def _item_from_row(row: asyncpg.Record) -> InventoryItem:
    is_tombstone = row["database"] is None and row["owner"] == build_tombstone_name(row["id"])
    return InventoryItem(**row, is_tombstone=is_tombstone)
