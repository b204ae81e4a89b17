"""The verification of credentials by a login."""

from abc import ABC, abstractmethod

from domain.connection import Connection
from domain.errors import ProviderRejected


class PasswordRefused(ProviderRejected):
    """The server refuses the password, and would refuse it again."""


class LoginCheck(ABC):
    @abstractmethod
    async def verify(self, connection: Connection) -> None:
        """Log in with exactly these credentials and run a statement that changes nothing.

        Raises ProviderBusy when the server cannot be reached or accepts no further session now, and
        ProviderRejected when it refuses the credentials: PasswordRefused when the password is wrong
        or the user does not exist, which servers report alike.
        """
