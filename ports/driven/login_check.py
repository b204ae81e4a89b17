"""Proof that what is handed out works."""

from abc import ABC, abstractmethod

from domain.connection import Connection
from domain.errors import ProviderRejected


class PasswordRefused(ProviderRejected):
    """The server refuses the password, and would refuse it again."""


class LoginCheck(ABC):
    @abstractmethod
    async def verify(self, connection: Connection) -> None:
        """Log in with exactly these credentials and run a statement; leaves nothing behind.

        Raises ProviderBusy when the server cannot be reached or has no place for a session now,
        ProviderRejected when it refuses the credentials, and of that PasswordRefused when it says
        that the password is wrong, or that there is no such user: servers hide which.
        """
