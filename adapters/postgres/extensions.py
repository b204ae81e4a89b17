"""Extensions in a tenant's database."""

from collections.abc import Collection, Sequence

import asyncpg

from adapters.driver.connecting import Login
from adapters.postgres import statements
from adapters.postgres.server import Server
from adapters.postgres.sessions import login_of, single_session
from domain.connection import Connection
from domain.errors import ExtensionUnavailable

_OFFERED = """
SELECT DISTINCT name FROM pg_available_extension_versions
WHERE trusted OR name = ANY($1) ORDER BY name
"""

_REFUSALS = (
    asyncpg.FeatureNotSupportedError,  # not on the server's disk
    asyncpg.UndefinedFileError,  # the same, before PostgreSQL 16
    asyncpg.SyntaxOrAccessError,  # not trusted, or no name for one
    asyncpg.DataError,
    ValueError,  # a name that no statement can hold: NUL, half a surrogate pair
)


async def install(extensions: Sequence[str], connection: Connection, server: Server) -> None:
    """Install what is not there yet, each by whom the server lets do it.

    Raises ExtensionUnavailable, naming those that are available.
    """
    for extension in extensions:
        if server.superuser and extension in server.installable:
            login = {**server.superuser, "database": connection.database}
            async with single_session(login) as session:
                await session.execute(statements.install_extension(extension))
        else:
            tenant = {**login_of(connection), **server.detour}
            await install_as_tenant(extension, tenant, server.installable)


async def install_as_tenant(
    extension: str, tenant: Login, installable: Collection[str] = ()
) -> None:
    """Raises ExtensionUnavailable, naming the `installable` ones among those that are available."""
    async with single_session(tenant, search_path="public") as session:
        await _install_own(session, extension, installable)


async def _install_own(
    session: asyncpg.Connection, extension: str, installable: Collection[str]
) -> None:
    try:
        await session.execute(statements.install_own_extension(extension))
    except _REFUSALS as error:
        offered = await session.fetch(_OFFERED, list(installable))
        raise ExtensionUnavailable(
            f"The extension {extension[:63]!r} cannot be installed on this server; "
            f"it offers {', '.join(row['name'] for row in offered)}."
        ) from error
