"""Values that the service and its providers exchange: requests, and items of the inventory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from domain.names import PgNames
from domain.secrets import Secret

Confirm = Callable[[], Awaitable[None]]
"""Raises StaleRecord if the record no longer asks for a change that is about to be made."""


async def confirm_always() -> None:
    """Confirm a change that no other process can supersede."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The identity of one database on a provider: `id` marks it as pgvend's, `names` locate it.

    A spare has a mark of its own, which its claim replaces. Whatever is asked for a spare leaves a
    claimed database of the same id alone; whatever is asked for a database includes its spare.
    """

    id: str
    names: PgNames
    is_spare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    """A database to provision.

    `password` is set if the provider accepts a chosen password; `extensions` are the PostgreSQL
    extensions to install. `source` is the tenant whose database is copied, None for an empty
    database; `ends_sessions` ends sessions in the source, which prevent the copy. `claims` turns
    the spare of this id into the tenant; the spare has this password already. `confirm` is called
    right before the change.
    """

    tenant: Tenant
    password: Secret
    extensions: tuple[str, ...] = ()
    source: Tenant | None = None
    ends_sessions: bool = False
    claims: bool = False
    confirm: Confirm = field(default=confirm_always, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryItem:
    """The database and owner of one id on a provider; a part that does not exist is None."""

    id: str
    database: str | None
    owner: str | None
    is_tombstone: bool = False
    is_spare: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The role of a deleted database that cannot be dropped yet: locked, and renamed to `role`.

    It holds no name and no data. `reason` says what prevents the drop, and how to resolve it.
    """

    role: str
    reason: str
