"""Extensions in a database whose compute may learn of it a moment late."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.driver.connecting import Login
from adapters.neon.login_check import NeonLoginCheck
from adapters.neon.proof import proven
from adapters.postgres.extensions import available_extensions, install_as_tenant
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import login_of, single_session
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.extensions import Extension
from ports.driven.clock import Clock


async def extensions_on(admin: Login) -> Sequence[Extension]:
    """Those that databases on the admin's branch may have."""
    async with single_session(admin, lost=ProviderBusy) as session:
        return await available_extensions(session)


async def install_late(
    extensions: Sequence[str], connection: Connection, host: str, clock: Clock
) -> None:
    """Once the tenant's login works; by the direct `host`. Raises ExtensionUnavailable."""
    if extensions:
        await NeonLoginCheck(PostgresLoginCheck(), clock).verify(connection)
    for extension in extensions:
        await install_as_tenant(extension, login_of(proven(replace(connection, host=host))))
