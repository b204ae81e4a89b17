"""Logging in as the tenant does."""

from adapters.postgres.server import login_of, single_session
from domain.connection import Connection
from domain.errors import ProviderBusy
from ports.driven.login_check import LoginCheck


class PostgresLoginCheck(LoginCheck):
    async def verify(self, connection: Connection) -> None:
        async with single_session(login_of(connection), lost=ProviderBusy) as session:
            await session.execute("SELECT 1")


class NoLoginCheck(LoginCheck):
    """For operators whose service cannot reach the address that tenants use."""

    async def verify(self, connection: Connection) -> None:
        return
