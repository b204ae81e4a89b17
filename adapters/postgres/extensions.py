"""Installation of extensions in a tenant's database."""

from collections.abc import Collection, Sequence

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres import statements
from adapters.postgres.server import Server, find_address
from adapters.postgres.sessions import Session, login_from_connection, open_session
from domain.connection import Connection
from domain.errors import ExtensionUnavailable
from domain.extensions import Extension, check_available

_AVAILABLE = """
SELECT e.name, e.default_version AS version, coalesce(e.comment, '') AS description
FROM pg_available_extensions AS e JOIN pg_available_extension_versions AS v
  ON v.name = e.name AND v.version = e.default_version
WHERE v.trusted OR e.name = ANY($1::text[])
GROUP BY 1, 2, 3 ORDER BY 1
"""
# grouped: a version whose control file exists in two folders is listed twice

_OWNS = "SELECT extowner = current_user::regrole FROM pg_extension WHERE extname = $1"

_TRANSFER = """
WITH transferred AS (
    UPDATE pg_extension AS e SET extowner = d.datdba FROM pg_database AS d
    WHERE d.datname = current_database() AND e.extname = ANY($1::text[])
      AND e.extowner = current_user::regrole AND d.datdba <> e.extowner
    RETURNING e.oid, d.oid AS database, d.datdba AS owner
)
INSERT INTO pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)
SELECT database, 'pg_extension'::regclass, oid, 0, 'pg_authid'::regclass, owner, 'o'
FROM transferred
RETURNING objid
"""
# ALTER EXTENSION ... OWNER TO does not exist, and REASSIGN OWNED takes nothing from the superuser
# that initdb created. CREATE EXTENSION writes the same rows for a trusted extension, whose members
# belong to a superuser.

_REFUSALS = (
    asyncpg.FeatureNotSupportedError,  # not installed on the server
    asyncpg.UndefinedFileError,  # the same, before PostgreSQL 16
    asyncpg.SyntaxOrAccessError,  # not trusted, not a valid name, or a conflicting object
    asyncpg.InvalidSchemaNameError,  # the owner dropped the extension's schema
    asyncpg.DataError,
    ValueError,  # a name that SQL cannot contain: NUL, half a surrogate pair
)


async def fetch_available_extensions(
    session: Session | asyncpg.Connection, installable: Collection[str] = ()
) -> Sequence[Extension]:
    """Return the extensions that a tenant may create itself, and the `installable` ones, ordered by
    name."""
    rows = await session.fetch(_AVAILABLE, list(installable))
    return [Extension(**row) for row in rows]


async def install(extensions: Sequence[str], connection: Connection, server: Server) -> None:
    """Install the extensions that are missing, as the tenant or, where necessary, as the superuser.

    Raises ExtensionUnavailable, which names the available extensions.
    """
    for extension in extensions:
        superuser = server.superuser and {**server.superuser, "database": connection.database}
        if superuser and extension in server.installable:
            async with open_session(superuser) as session:
                await _create(session, extension, server.installable, by_superuser=True)
            continue
        tenant = {**login_from_connection(connection), **find_address(server)}
        is_owned = await install_as_tenant(extension, tenant, server.installable)
        if superuser and not is_owned and extension in server.tenant_owned:
            await transfer_extensions(superuser, server.tenant_owned)


async def install_as_tenant(
    extension: str, tenant: Login, installable: Collection[str] = ()
) -> bool:
    """Install the extension, and return whether the tenant owns it. Raises ExtensionUnavailable,
    which names the available extensions, with the `installable` ones among them."""
    async with open_session(tenant, search_path="public") as session:
        await _create(session, extension, installable)
        return bool(await session.fetchval(_OWNS, extension))


async def transfer_extensions(superuser: Login, extensions: Collection[str]) -> bool:
    """Transfer the extensions that the superuser owns to the database's owner, and return whether
    any was transferred. Idempotent. `superuser` logs in to that database."""
    async with open_session(superuser) as session:
        return bool(await session.fetch(_TRANSFER, list(extensions)))


async def _create(
    session: asyncpg.Connection,
    extension: str,
    installable: Collection[str],
    *,
    by_superuser: bool = False,
) -> None:
    build_statement = (
        statements.create_extension if by_superuser else statements.create_tenant_extension
    )
    try:
        await session.execute(build_statement(extension))
    except _REFUSALS as error:
        check_available([extension], await fetch_available_extensions(session, installable))
        state = getattr(error, "sqlstate", None) or "unknown"
        raise ExtensionUnavailable(
            f"The extension {extension!r} cannot be installed in this database (SQLSTATE {state}): "
            "remove objects of the same name, and create the schema `public` if it is missing."
        ) from error
