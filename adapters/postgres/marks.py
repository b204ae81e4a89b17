"""Marks of tenants on a server."""

from dataclasses import dataclass

from domain.provisioning import Tenant

ANY_MARK = "pgvend:"
"""Prefix of the marks of all installations."""

SPARE_SUFFIX = " spare"

IS_CLAIMED = f"{{mark}} NOT LIKE '%{SPARE_SUFFIX}'"
"""The SQL condition that a mark is not that of a spare."""

ID_IN_MARK = "split_part(substr({mark}, length({prefix}) + 1), ' ', 1)"
"""The SQL expression for the id in a mark with that prefix."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of an installation's tenants: a comment on the role, `pgvend:<installation>:<id>`. That
    of a spare ends with ` spare`, until the spare is claimed.

    Writing one needs CREATEROLE, which tenants do not have.
    """

    installation: str

    @property
    def prefix(self) -> str:
        return f"{ANY_MARK}{self.installation}:"

    def of(self, tenant: Tenant) -> str:
        return self.of_spare(tenant.id) if tenant.is_spare else self.of_claimed(tenant.id)

    def of_claimed(self, tenant_id: str) -> str:
        """Return the mark of a database, even if it was a spare."""
        return self.prefix + tenant_id

    def list_for(self, tenant: Tenant) -> list[str]:
        """Return the marks of the tenant's objects. A database's tenant includes its spare."""
        return [self.of(tenant)] if tenant.is_spare else self.list_for_id(tenant.id)

    def list_for_id(self, tenant_id: str) -> list[str]:
        return [self.of_claimed(tenant_id), self.of_spare(tenant_id)]

    def id_from_mark(self, mark: str | None) -> str | None:
        """Return the tenant's id in a mark of this installation, or None for any other text."""
        if mark is None or not mark.startswith(self.prefix):
            return None
        return mark.removeprefix(self.prefix).removesuffix(SPARE_SUFFIX)

    def of_spare(self, tenant_id: str) -> str:
        return self.prefix + tenant_id + SPARE_SUFFIX


def find_id(mark: str) -> str:
    """Return the tenant's id in a mark of any installation."""
    return mark.rpartition(":")[2].removesuffix(SPARE_SUFFIX)
