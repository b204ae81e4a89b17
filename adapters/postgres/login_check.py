"""Login checks that log in as the tenant does."""

from adapters.postgres.sessions import open_tenant_session
from domain.connection import Connection
from domain.errors import ProviderRejected
from ports.driven.login_check import LoginCheck


class PostgresLoginCheck(LoginCheck):
    """A check that opens a session with the tenant's connection."""

    async def verify(self, connection: Connection) -> None:
        try:
            async with open_tenant_session(connection) as session:
                await session.execute("SELECT 1")
        except ProviderRejected as error:
            raise type(error)(  # keeps PasswordRefused
                f"The database refuses its login at {connection.host}:{connection.port}: the "
                "operator has to check the host and port that tenants are given."
            ) from error


class NoLoginCheck(LoginCheck):
    """No check, for services that cannot reach the address that tenants use."""

    async def verify(self, connection: Connection) -> None:
        return
