"""The guard of a server: inspects it, and ends sessions that hold it up."""

from abc import ABC, abstractmethod

from domain.server_snapshot import PreparedTransaction, ServerSnapshot, Session


class Guard(ABC):
    """Works while nobody can log in and while shared catalogs are locked, because it opens its one
    session before that. Does not hold back the removal of old transaction ids. Opens the session
    with the first call, and again after it was lost. Several replicas may call all methods at the
    same time.

    Only transactions of roles with our mark are seen and ended.
    """

    @abstractmethod
    async def inspect(self) -> ServerSnapshot:
        """Return the current state. Quick; never waits for a tenant's lock.

        Raises ProviderBusy and ProviderRejected if there is no session.
        """

    @abstractmethod
    async def end(self, session: Session) -> bool:
        """End the session if it still belongs to that role. Return whether its end was requested;
        it may take a moment. Raises ProviderRejected if the server does not allow it."""

    @abstractmethod
    async def roll_back(self, prepared: PreparedTransaction) -> None:
        """Roll back the prepared transaction if it still exists. May wait for a login to its
        database. Raises what a DatabaseProvider raises."""

    @abstractmethod
    async def release_locks(self) -> None:
        """Release the guard's own locks. The next `inspect` takes them again."""
