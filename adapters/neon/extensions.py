"""Extensions, installed once the compute accepts the login of a new role."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.driver.connector import Login
from adapters.neon.addresses import require_verification
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.extensions import fetch_available_extensions, install_as_tenant
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import login_from_connection, open_session
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.extensions import Extension
from ports.driven.clock import Clock


async def list_extensions(admin: Login) -> Sequence[Extension]:
    """Return the extensions available to databases on the admin's branch."""
    async with open_session(admin, lost=ProviderBusy) as session:
        return await fetch_available_extensions(session)


async def install_extensions(
    extensions: Sequence[str], connection: Connection, host: str, clock: Clock
) -> None:
    """Wait until the tenant's login works, then install over the direct `host`.

    Raises ExtensionUnavailable.
    """
    if extensions:
        await NeonLoginCheck(PostgresLoginCheck(), clock).verify(connection)
    for extension in extensions:
        await install_as_tenant(
            extension, login_from_connection(require_verification(replace(connection, host=host)))
        )
