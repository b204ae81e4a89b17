"""Logging in as the tenant does."""

from adapters.postgres.sessions import tenant_session
from domain.connection import Connection
from domain.errors import ProviderRejected
from ports.driven.login_check import LoginCheck


class PostgresLoginCheck(LoginCheck):
    async def verify(self, connection: Connection) -> None:
        try:
            async with tenant_session(connection) as session:
                await session.execute("SELECT 1")
        except ProviderRejected as error:
            raise type(error)(  # PasswordRefused stays what it is
                f"The database refuses its login at {connection.host}:{connection.port}; the "
                "operator has to check where tenants are sent to."
            ) from error


class NoLoginCheck(LoginCheck):
    """For operators whose service cannot reach the address that tenants use."""

    async def verify(self, connection: Connection) -> None:
        return
