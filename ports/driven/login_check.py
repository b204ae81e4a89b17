"""Proof that what is handed out works."""

from abc import ABC, abstractmethod

from domain.connection import Connection


class LoginCheck(ABC):
    @abstractmethod
    async def verify(self, connection: Connection) -> None:
        """Log in with exactly these credentials and run a statement; leaves nothing behind.

        Raises ProviderBusy when the server cannot be reached or has no place for a session now,
        and ProviderRejected when it refuses the credentials.
        """
