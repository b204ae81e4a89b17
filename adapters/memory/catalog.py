"""Roles and databases of tenants in memory, found by their marks."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from domain.errors import SpareBroken
from domain.names import PgNames
from domain.provisioning import Tenant
from domain.secrets import Secret


@dataclass(frozen=True, slots=True)
class Owner:
    """The role of a tenant. Its mark is `tenant_id` and `is_spare`."""

    tenant_id: str
    password: Secret
    is_spare: bool = False
    is_suspended: bool = False
    is_read_only: bool = False
    extensions: frozenset[str] = frozenset()

    def has_mark_of(self, tenant: Tenant) -> bool:
        """Return whether the role is the tenant's. A database's tenant includes its spare."""
        return self.tenant_id == tenant.id and (self.is_spare or not tenant.is_spare)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The roles by name, and the ids of the databases' tenants by the databases' names."""

    owners: dict[str, Owner] = field(default_factory=dict)
    databases: dict[str, str] = field(default_factory=dict)

    def find(self, tenant: Tenant) -> str | None:
        """Return the name of the tenant's role: that of the tenant, or of its spare."""
        for name in (tenant.names.owner, PgNames.from_id(tenant.id).owner):
            owner = self.owners.get(name)
            if owner and owner.has_mark_of(tenant):
                return name
        return None

    def list_databases(self, tenant: Tenant) -> list[str]:
        """Return the names of the databases of the tenant's role, the spare's among them."""
        names = {tenant.names.database, PgNames.from_id(tenant.id).database}
        owned = [name for name in names if self.databases.get(name) == tenant.id]
        return owned if self.find(tenant) else []

    def has_conflict(self, tenant: Tenant) -> bool:
        """Return whether a role or database of the tenant's names has another mark, or the tenant
        is a spare that was claimed."""
        owner = self.owners.get(tenant.names.owner)
        if owner and not owner.has_mark_of(tenant):
            return True
        return self.databases.get(tenant.names.database) not in {None, tenant.id} or (
            tenant.is_spare and self._has_claimed(tenant)
        )

    def rename_owner(self, tenant: Tenant) -> Owner | None:
        """Rename the tenant's role if there is one, and return it."""
        name = self.find(tenant)
        if name is None:
            return None
        owner = self.owners.pop(name)
        self.owners[tenant.names.owner] = owner
        return owner

    def rename_database(self, tenant: Tenant) -> None:
        """Rename the tenant's database, or create it."""
        for name in self.list_databases(tenant):
            del self.databases[name]
        self.databases[tenant.names.database] = tenant.id

    def claim(self, tenant: Tenant, extensions: Collection[str]) -> None:
        """Turn the spare into the tenant, in one step as on a server. Raises SpareBroken."""
        name = self.find(tenant)
        if name is None or not self.list_databases(tenant):
            raise SpareBroken(f"The spare {tenant.id} is not complete.")
        spare = self.owners[name]
        if spare.is_spare:
            self.owners[name] = replace(
                spare,
                is_spare=False,
                is_suspended=False,
                extensions=spare.extensions | set(extensions),
            )
            self.rename_owner(tenant)
            self.rename_database(tenant)

    def _has_claimed(self, tenant: Tenant) -> bool:
        return any(
            owner.tenant_id == tenant.id and not owner.is_spare for owner in self.owners.values()
        )
