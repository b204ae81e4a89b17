"""Extensions that the superuser of an earlier pgvend owns, given to the tenants whose they are."""

import asyncio
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.driver.connecting import Login
from adapters.embedded.cluster import Cluster
from adapters.embedded.files import write_file
from adapters.embedded.threads import in_thread
from adapters.postgres.extensions import give_extensions
from adapters.postgres.sessions import single_session
from domain.errors import ProviderRejected, Unavailable
from ports.cancellation import finished

AT_ONCE = 2
"""Databases that are looked into at the same time: callers come first."""

_OPEN = """
SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
WHERE datallowconn AND datconnlimit <> -2 AND NOT rolsuper ORDER BY datname
"""
# a closed one is put in order by the `provision` that opens it; -2: an interrupted DROP left it


async def hand_over(
    cluster: Cluster, superuser: Login, extensions: Set[str], log: BoundLogger
) -> None:
    """Once for a data folder that an earlier pgvend made: what was done is remembered when all of
    it is. It may be cut off and repeated. Never raises PgvendError."""
    remembered = _memory(cluster)
    if not extensions or await in_thread(remembered.exists):
        return
    try:
        given = await _given(superuser, extensions)
        await in_thread(write_file, remembered, "", None)
    except (Unavailable, OSError) as error:  # the next start tries again
        log.warning("postgres.extensions_not_given", detail=str(error))
    else:
        log.info("postgres.extensions_given", databases=given)


def forget_handing_over(cluster: Cluster) -> None:
    """An earlier pgvend was at work here since."""
    _memory(cluster).unlink(missing_ok=True)


async def _given(superuser: Login, extensions: Set[str]) -> int:
    """The number of databases in which an extension changed its owner. Raises Unavailable."""
    async with single_session(superuser) as session:
        databases = [row["datname"] for row in await session.fetch(_OPEN)]
    places = asyncio.Semaphore(AT_ONCE)

    async def give(database: str) -> bool:
        with suppress(ProviderRejected):  # it was dropped or closed meanwhile
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
