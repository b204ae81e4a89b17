"""Inspection of a tenant's objects on the server before every change."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres.marks import Marks
from adapters.postgres.sessions import Session
from domain.names import MAX_IDENTIFIER
from domain.provisioning import InventoryItem, Tenant

_ROLES = """
WITH named AS MATERIALIZED (
    SELECT oid, rolname, shobj_description(oid, 'pg_authid') AS mark
    FROM pg_roles WHERE rolname = $1
)
SELECT oid, rolname AS name, mark FROM named
UNION ALL
SELECT r.oid, r.rolname, d.description
FROM pg_shdescription AS d JOIN pg_roles AS r ON r.oid = d.objoid
WHERE d.classoid = 'pg_authid'::regclass AND d.description = ANY ($2)
  AND NOT EXISTS (SELECT FROM named WHERE mark = ANY ($2))
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
SELECT marks.mark, d.datname AS database, r.rolname AS owner
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
    the role does not exist. `databases` are the databases that this role owns; `is_spare` says that
    it has the mark of a spare. A spare that was claimed has a name conflict.
    """

    owner: str
    databases: tuple[DatabaseState, ...]
    has_name_conflict: bool
    is_spare: bool

    @property
    def has_role(self) -> bool:
        return bool(self.owner)

    def is_tombstone(self, tenant: Tenant) -> bool:
        return self.owner == build_tombstone_name(tenant.id)


def build_tombstone_name(tenant_id: str) -> str:
    """Return the name of a deleted tenant's role that cannot be dropped yet."""
    return (TOMBSTONE_PREFIX + tenant_id)[:MAX_IDENTIFIER]


async def inspect_tenant(session: Session, tenant: Tenant, marks: Marks) -> TenantState:
    """Find the role with a mark of the tenant, under any name, and its databases."""
    names, own_marks = tenant.names, marks.list_for(tenant)
    roles = await session.fetch(_ROLES, names.owner, marks.list_for_id(tenant.id))
    role = next((role for role in roles if role["mark"] in own_marks), None)
    databases = await session.fetch(_DATABASES, names.database, role["oid"] if role else 0)
    own = [database for database in databases if database["is_owned"]]
    return TenantState(
        owner=role["name"] if role else "",
        databases=tuple(DatabaseState(row["name"], row["is_broken"]) for row in own),
        has_name_conflict=any(role["mark"] not in own_marks for role in roles)
        or len(own) < len(databases),
        is_spare=role is not None and role["mark"] != marks.of_claimed(tenant.id),
    )


async def fetch_inventory(session: Session, marks: Marks) -> Sequence[InventoryItem]:
    """Return all roles and databases with a mark of this installation, ordered by id."""
    rows = await session.fetch(_INVENTORY, marks.prefix)
    return [_item_from_row(row, marks) for row in rows]


def _item_from_row(row: asyncpg.Record, marks: Marks) -> InventoryItem:
    mark, database, owner = row
    tenant_id = marks.id_from_mark(mark) or ""
    return InventoryItem(
        id=tenant_id,
        database=database,
        owner=owner,
        is_tombstone=database is None and owner == build_tombstone_name(tenant_id),
        is_spare=mark != marks.of_claimed(tenant_id),
    )
