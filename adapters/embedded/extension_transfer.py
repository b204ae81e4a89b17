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
from adapters.postgres.extensions import transfer_extensions
from adapters.postgres.sessions import open_session
from domain.errors import ProviderRejected, Unavailable
from ports.driven.cancellation import run_in_thread, run_to_completion

CONCURRENT_DATABASES = 2
"""Databases to process at the same time: few, because callers have priority."""

_SELECT_DATABASES = """
SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
WHERE datallowconn AND datconnlimit <> -2 AND NOT rolsuper ORDER BY datname
"""
# `provision` does it for a closed database when it opens it; -2 marks an interrupted DROP


async def transfer_all_extensions(
    cluster: Cluster, superuser: Login, extensions: Set[str], log: BoundLogger
) -> None:
    """Transfer the extensions, once for a data folder that an earlier pgvend created. A marker file
    records that it is complete; an interrupted transfer is repeated. Never raises PgvendError."""
    marker = _marker_file(cluster)
    if not extensions or await run_in_thread(marker.exists):
        return
    try:
        transferred = await _transfer_all(superuser, extensions)
        await run_in_thread(write_file, marker, "", None)
    except (Unavailable, OSError) as error:  # the next start tries again
        log.warning("postgres.extension_transfer_failed", detail=str(error))
    else:
        log.info("postgres.extensions_transferred", databases=transferred)


def reset_extension_transfer(cluster: Cluster) -> None:
    """Let the next start transfer extensions again: an earlier pgvend used the folder meanwhile."""
    _marker_file(cluster).unlink(missing_ok=True)


async def _transfer_all(superuser: Login, extensions: Set[str]) -> int:
    """Return the number of databases in which an extension got another owner. Raises
    Unavailable."""
    async with open_session(superuser) as session:
        databases = [row["datname"] for row in await session.fetch(_SELECT_DATABASES)]
    slots = asyncio.Semaphore(CONCURRENT_DATABASES)

    async def transfer(database: str) -> bool:
        with suppress(ProviderRejected):  # it was dropped or closed in the meantime
            async with slots:
                return await transfer_extensions({**superuser, "database": database}, extensions)
        return False

    transfers = [asyncio.ensure_future(transfer(database)) for database in databases]
    try:
        return sum(await asyncio.gather(*transfers))
    finally:
        for each in transfers:
            each.cancel()
        await run_to_completion(asyncio.gather(*transfers, return_exceptions=True))


def _marker_file(cluster: Cluster) -> Path:
    return cluster.folder / "extensions-given"  # earlier releases wrote it too
