"""The provider of databases."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from domain.connection import Connection
from domain.extensions import Extension
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)


class DatabaseProvider(ABC):
    """A place where databases are provisioned.

    A tenant is identified by a mark that contains its id, never by its name alone: nothing without
    that mark is ever imported, changed or dropped. Every method finds a tenant by its mark under
    any name, if the provider lets others rename it; `provision`, and every method that returns a
    login, renames it back.

    Every method that changes a tenant and takes a `confirm` calls it in each attempt, before the
    first change, under a lock of the tenant. It raises StaleRecord where another process superseded
    the call, which then changes nothing. A claim needs no confirmation, because a spare can be
    claimed only once. Neon's API has no lock of a tenant: there, only calls of one process wait for
    each other.

    Every method may raise ProviderBusy (nothing happened), ProviderRejected (final) and, where it
    changes something, OutcomeUnknown (repeat the call: it converges). Every method may be cancelled
    at any await; repeating `provision` or calling `delete` then converges as well. No error that
    leaves an adapter contains a secret or a text of the provider.
    """

    @abstractmethod
    async def provision(self, request: ProvisionRequest) -> Connection:
        """Create the role and the database of the request, or the missing ones of them, and open
        them for logins.

        Idempotent: calling it again for the same request, at any time, after any crash or lost
        answer, leads to the same database, with its contents, under the same owner and password.
        The tenant owns its database and reaches no other one, unless the target's isolation is
        `none`. The password is that of the request if the provider accepts passwords, else the one
        that the provider chose.

        With a `source`, a new database is a copy of the source's database: its contents, settings
        and comments belong to the new owner, the source stays as it is, and no code of a tenant
        runs. Raises SourceInUse when sessions or prepared transactions in the source prevent the
        copy, and CopyUnsupported unless `can_copy`. An existing database of the tenant is not
        copied again.

        With `claims`, the spare of the same id becomes the tenant: it gets its names and its mark,
        keeps its password, and is opened. Raises SpareBroken, with nothing changed, when the spare
        is not complete. A tenant of this id that was claimed before stays as it is.

        Raises NameTaken when a role or database of that name exists without this tenant's mark; it
        stays unchanged. Raises ProviderFull when there is no capacity. Raises ExtensionUnavailable,
        before anything is created, when an extension is not one of `extensions`, and when it cannot
        be installed in a database that existed before. Parts that were created before any other
        error stay, for the next `provision` or `delete` of the same tenant.
        """

    @property
    def can_copy(self) -> bool:
        """Whether `provision` can copy a source."""
        return False

    @abstractmethod
    async def extensions(self) -> Sequence[Extension]:
        """Return the extensions that a new database may have, ordered by name. Changes nothing."""

    @abstractmethod
    async def install(self, request: ProvisionRequest) -> None:
        """Install the extensions of the request that its database lacks. Changes nothing else, the
        password included. Idempotent.

        Raises DatabaseNotFound when the tenant does not exist, ExtensionUnavailable when an
        extension cannot be installed, and ProviderRejected when the password of the request does
        not open the database.
        """

    @abstractmethod
    async def reveal(self, request: ProvisionRequest) -> Connection:
        """Return the connection that `provision` or `rotate` returned for this request.

        Changes nothing, waits for nothing, and asks the provider only if it chooses passwords
        itself; then it raises DatabaseNotFound when the tenant does not exist.
        """

    @abstractmethod
    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        """Set the owner's password to that of the request; the old one stops working. Idempotent.

        If the provider chooses passwords, each call creates a new one, the last one counts, and
        `provision` returns it again. Raises DatabaseNotFound when the tenant does not exist.

        Open sessions of the owner continue, unless `rotation_ends_sessions`. With `end_sessions`
        they are ended after the password has changed, and the call returns when they have ended; it
        raises ProviderBusy if one does not end, with the new password set.
        """

    @property
    def rotation_ends_sessions(self) -> bool:
        """Whether every `rotate` ends the owner's sessions, with or without `end_sessions`."""
        return False

    @abstractmethod
    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        """Refuse logins of the tenant and end its sessions; its data stays. Idempotent.

        `provision` opens the tenant again, with the password of the request; if the provider
        chooses passwords, with a new one. A tenant that does not exist, or lacks this tenant's
        mark, counts as suspended. Raises ProviderBusy while a session remains in a spare that
        prevents its claim.
        """

    @abstractmethod
    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        """Drop the tenant's database and role, whether sessions are open or not. Idempotent.

        A tenant that does not exist, or lacks this tenant's mark, counts as deleted. New logins are
        refused and sessions are ended before the drop begins; every wait for a lock is bounded.

        A role that cannot be dropped, because objects of others refer to it, is not an error: it
        becomes a tombstone, which is returned. The names of the tenant are free then. Each further
        call removes a part of these references; the last one returns None. Nothing that belongs to
        others is removed.
        """

    @abstractmethod
    async def inventory(self) -> Sequence[InventoryItem]:
        """Return everything that has our mark, incomplete items too, ordered by id. Changes
        nothing."""

    @abstractmethod
    async def ping(self) -> None:
        """Return if the provider would accept a request now; else raise."""
