"""What is on the server: looked at before anything is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.postgres.sessions import Session
from domain.order import Holding, Tenant

_ROLE = """
SELECT shobj_description(oid, 'pg_authid') AS mark FROM pg_roles WHERE rolname = $1
"""

_DATABASES = """
SELECT datname AS name, datconnlimit = -2 AS broken,
       pg_get_userbyid(datdba) = $2 AS of_owner
FROM pg_database WHERE datname = $1 OR pg_get_userbyid(datdba) = $2
"""

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
    """What there is under one tenant's names: its own, and whether anything is somebody else's."""

    has_role: bool
    databases: tuple[SeenDatabase, ...]
    has_foreign: bool


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


async def look(session: Session, tenant: Tenant, marks: Marks) -> Sight:
    """What bears the tenant's mark: its role, and the databases of that role."""
    names = tenant.names
    role = await session.fetchrow(_ROLE, names.owner)
    databases = await session.fetch(_DATABASES, names.database, names.owner)
    ours = role is not None and role["mark"] == marks.of(tenant)
    mine = [database for database in databases if ours and database["of_owner"]]
    return Sight(
        has_role=ours,
        databases=tuple(SeenDatabase(found["name"], found["broken"]) for found in mine),
        has_foreign=(role is not None and not ours) or len(mine) < len(databases),
    )


async def inventory(session: Session, marks: Marks) -> Sequence[Holding]:
    """All that bears a mark of this installation, ordered by id."""
    found = await session.fetch(_INVENTORY, marks.prefix)
    return [Holding(id=row["id"], database=row["database"], owner=row["owner"]) for row in found]
