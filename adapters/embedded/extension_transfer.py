"""Transfer of extensions to the tenants that use them. Under earlier releases the superuser owned
them."""

import asyncio
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.driver.connector import Login
from adapters.embedded.cluster import Cluster
from adapters.embedded.files import write_file
from adapters.embedded.threads import in_thread
from adapters.postgres.extensions import give_extensions
from adapters.postgres.sessions import single_session
from domain.errors import ProviderRejected, Unavailable
from ports.driven.cancellation import finished

AT_ONCE = 2
"""Databases to process at the same time: few, because callers have priority."""

_OPEN = """
SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
WHERE datallowconn AND datconnlimit <> -2 AND NOT rolsuper ORDER BY datname
"""
# `provision` does it for a closed database when it opens it; -2 marks an interrupted DROP


async def hand_over(
    cluster: Cluster, superuser: Login, extensions: Set[str], log: BoundLogger
) -> None:
    """Transfer the extensions, once for a data folder that an earlier pgvend created. A marker file
    records that it is complete; an interrupted transfer is repeated. Never raises PgvendError."""
    remembered = _memory(cluster)
    if not extensions or await in_thread(remembered.exists):
        return
    try:
        given = await _given(superuser, extensions)
        await in_thread(write_file, remembered, "", None)
    except (Unavailable, OSError) as error:  # the next start tries again
        log.warning("postgres.extension_transfer_failed", detail=str(error))
    else:
        log.info("postgres.extensions_transferred", databases=given)


def forget_handing_over(cluster: Cluster) -> None:
    """Let the next start transfer extensions again: an earlier pgvend used the folder meanwhile."""
    _memory(cluster).unlink(missing_ok=True)


async def _given(superuser: Login, extensions: Set[str]) -> int:
    """Return the number of databases in which an extension got another owner. Raises
    Unavailable."""
    async with single_session(superuser) as session:
        databases = [row["datname"] for row in await session.fetch(_OPEN)]
    places = asyncio.Semaphore(AT_ONCE)

    async def give(database: str) -> bool:
        with suppress(ProviderRejected):  # it was dropped or closed in the meantime
            async with places:
                return await give_extensions({**superuser, "database": database}, extensions)
        return False

    giving = [asyncio.ensure_future(give(database)) for database in databases]
    try:
        return sum(await asyncio.gather(*giving))
    finally:
        for task in giving:
            task.cancel()
        await finished(asyncio.gather(*giving, return_exceptions=True))


def _memory(cluster: Cluster) -> Path:
    return cluster.folder / "extensions-given"
