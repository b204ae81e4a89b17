"""A server, as the guard of its other tenants sees it."""

from abc import ABC, abstractmethod

from domain.guarding import Look, Prepared, Session


class Guard(ABC):
    """Works while nobody can log in and while shared catalogs are locked, for it opened its one
    session before. It keeps no transaction id from being forgotten. Opens the session with the
    first call, and anew where it was lost. All methods may be called by several replicas at once.

    Only transactions of roles that bear our mark are seen, and ended.
    """

    @abstractmethod
    async def look(self) -> Look:
        """Return what there is to guard against now. Quick, and waits for no tenant's lock.

        Raises ProviderBusy and ProviderRejected where there is no session.
        """

    @abstractmethod
    async def end(self, session: Session) -> bool:
        """End the session, if it is still that role's. Return whether it was asked to end; it may
        take a moment. Raises ProviderRejected where the server does not allow it."""

    @abstractmethod
    async def roll_back(self, prepared: Prepared) -> None:
        """Roll the prepared transaction back, if it is still there. May wait for a login to its
        database. Raises what a DatabaseProvider raises."""

    @abstractmethod
    async def step_aside(self) -> None:
        """Let go of the guard's own locks until the next look, which takes them again."""
