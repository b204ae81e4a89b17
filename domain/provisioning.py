"""Values that the service and its providers exchange: requests, and items of the inventory."""

from dataclasses import dataclass

from domain.names import PgNames
from domain.secrets import Secret


@dataclass(frozen=True, slots=True)
class Tenant:
    """The identity of one database on a provider: `id` marks it as pgvend's, `names` locate it."""

    id: str
    names: PgNames


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    """A database to provision.

    `password` is set if the provider accepts a chosen password; `extensions` are the PostgreSQL
    extensions to install.
    """

    tenant: Tenant
    password: Secret
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryItem:
    """The database and owner of one id on a provider; a part that does not exist is None."""

    id: str
    database: str | None
    owner: str | None
    is_tombstone: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The role of a deleted database that cannot be dropped yet: locked, and renamed to `role`.

    It holds no name and no data. `reason` says what prevents the drop, and how to resolve it.
    """

    role: str
    reason: str
