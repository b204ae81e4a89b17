"""A server of the operator's on which making and dropping a database takes as long as one likes."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tests.support.places import session
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService, running_service


def service_over(
    server: OperatorsServer, folder: Path
) -> AbstractAsyncContextManager[RunningService]:
    return running_service(
        folder, PGVEND_PROVIDER="postgres", PGVEND_POSTGRES_ADMIN_DSN=server.dsn()
    )


@asynccontextmanager
async def no_new_databases(server: OperatorsServer) -> AsyncIterator[None]:
    """CREATE DATABASE and DROP DATABASE wait as long as this lasts; logins go on."""
    async with session({"dsn": server.superuser_dsn}) as superuser, superuser.transaction():
        await superuser.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield


async def exists(server: OperatorsServer, database: str) -> bool:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        sql = "SELECT count(*) FROM pg_database WHERE datname = $1"
        return bool(await superuser.fetchval(sql, database))
