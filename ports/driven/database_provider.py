"""Something that can make and drop databases."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from domain.connection import Connection
from domain.extensions import Extension
from domain.order import Holding, Order, Tenant, Tombstone


class DatabaseProvider(ABC):
    """A place where databases are made.

    What belongs to a tenant is known by a mark that bears the tenant's id, never by its name
    alone: nothing without that mark is ever adopted, changed or dropped. Every method finds a
    tenant by its mark under whatever name, where the provider lets others rename it; `provision`,
    and whatever hands out a login, renames it back.

    Every method may raise ProviderBusy (nothing happened), ProviderRejected (final) and, where it
    changes something, OutcomeUnknown (repeat the call: it converges). Every method may be
    cancelled at any await; repeating `provision` or calling `delete` then converges as well. No
    error that leaves an adapter holds a secret or the other side's own words.
    """

    @abstractmethod
    async def provision(self, order: Order) -> Connection:
        """Make the order's role and database, or what is missing of them, and open them.

        Idempotent: calling it again for the same order, at any time, after any crash or lost
        answer, leads to the same database, with its contents, under the same owner and password.
        The tenant owns its database and reaches no other one, unless the target's isolation is
        declared as `none`. The password is the order's where the other side lets us choose, else
        the one that it chose.

        Raises NameTaken when a role or database of that name exists and does not bear this
        tenant's mark; it is left as it was. Raises ProviderFull when there is no room. Raises
        ExtensionUnavailable, before anything is made, when an extension is not one of
        `extensions`, and when it cannot be installed in a database that was there before. Parts
        that were made before any other error stay, for the next `provision` or `delete` of the
        same tenant.
        """

    @abstractmethod
    async def extensions(self) -> Sequence[Extension]:
        """The extensions that a new database may have, ordered by name. Changes nothing."""

    @abstractmethod
    async def install(self, order: Order) -> None:
        """Install those of the order's extensions that its database lacks; change nothing else, the
        password included. Idempotent.

        Raises DatabaseNotFound when the tenant does not exist, ExtensionUnavailable when an
        extension cannot be installed, and ProviderRejected when the order's password does not open
        the database.
        """

    @abstractmethod
    async def reveal(self, order: Order) -> Connection:
        """The connection that `provision` or `rotate` answered for this order, again.

        Changes nothing, waits for nothing, and looks only where the password is the other side's
        choice; there it raises DatabaseNotFound when the tenant does not exist.
        """

    @abstractmethod
    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        """Give the owner the order's password; the old one stops working. Idempotent.

        Where the other side chooses passwords, each call makes a new one, and the last one counts;
        `provision` tells it again. Raises DatabaseNotFound when the tenant does not exist.

        Sessions that the owner has open go on, unless `rotation_ends_sessions`. With
        `end_sessions` they end after the password has changed, and the call returns when they
        have; it raises ProviderBusy when one does not, with the new password set.
        """

    @property
    def rotation_ends_sessions(self) -> bool:
        """Whether every `rotate` ends the owner's sessions, with `end_sessions` or without."""
        return False

    @abstractmethod
    async def suspend(self, tenant: Tenant) -> None:
        """Let the tenant in no more, and end its sessions; its data stays. Idempotent.

        `provision` lets it in again, with the order's password; where the other side chooses
        passwords, with a new one. What is not there, or does not bear this tenant's mark, counts as
        suspended.
        """

    @abstractmethod
    async def delete(self, tenant: Tenant) -> Tombstone | None:
        """Drop the tenant's database and role, with sessions in it or not. Idempotent.

        What is not there, or does not bear this tenant's mark, counts as dropped. New logins are
        refused and sessions are ended before the drop begins, and it waits for no lock without
        bound.

        A role that cannot be dropped, because objects of others name it, is not an error: it
        becomes a tombstone, which is returned. The names of the tenant are free then. The next call
        removes a part of what keeps the tombstone; the last one returns None. Nothing that belongs
        to others goes with it.
        """

    @abstractmethod
    async def inventory(self) -> Sequence[Holding]:
        """All that bears our mark, half-made ones too, ordered by id. Changes nothing."""

    @abstractmethod
    async def ping(self) -> None:
        """Return when the provider would take an order now; else raise."""
