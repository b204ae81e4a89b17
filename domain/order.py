"""What a provider is asked to make, and what it says it has."""

from dataclasses import dataclass

from domain.naming import Names
from domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Tenant:
    """One database of ours: its id is the proof of ownership, its names are where it lives."""

    id: str
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A database to be made.

    `password` is the one the provider sets where it lets us choose; `extensions` are PostgreSQL
    extensions that the tenant finds installed.
    """

    tenant: Tenant
    password: Secret
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a provider holds for one of our ids; half-made ones lack a part (None)."""

    id: str
    database: str | None
    owner: str | None
    is_tombstone: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The role of a deleted database that cannot be dropped yet: locked, and renamed to `role`.

    It holds no name and no data. `reason` says what keeps it, and what to do about it.
    """

    role: str
    reason: str
