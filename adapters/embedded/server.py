"""Start of the bundled server, and the provider on it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.embedded.account import Account, get_user_name, prepare_account
from adapters.embedded.cleanup import end_old_server
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import (
    ADMIN,
    INITDB_CONFIGURATION,
    SUPERUSER,
    is_overwritten,
    write_configuration,
)
from adapters.embedded.extension_transfer import reset_extension_transfer, transfer_all_extensions
from adapters.embedded.extensions import HARMLESS, control_path, load_libraries, trust_extensions
from adapters.embedded.files import write_file
from adapters.embedded.initdb import create_cluster, generate_configuration
from adapters.embedded.listen_addresses import LOOPBACK, ListenAddresses
from adapters.embedded.postmaster import Postmaster
from adapters.embedded.programs import Programs, load_programs
from adapters.embedded.server_log import ServerLog
from adapters.embedded.setup import has_tls, set_up
from adapters.embedded.trust import check_folder
from adapters.postgres.factory import open_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server
from domain.errors import PgvendError, StartupError
from domain.hosts import find_local_host
from domain.postgres_url import Address
from ports.driven.cancellation import run_in_thread
from ports.driven.clock import Clock

LONGEST_SOCKET_PATH = 103
"""Maximum length of a socket's path in bytes on macOS. Linux allows four more."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedOptions:
    """Options of the bundled server.

    `folder` is for this server alone. `port`: None to choose one at the first start. `programs`:
    None for the bundled ones. `settings` override those of `configuration`. Connections name
    `public_host` and `public_port`, or, if None, the address that the server listens on.
    """

    folder: Path
    listen: Sequence[str] = LOOPBACK
    port: int | None = None
    public_host: str | None = None
    public_port: int | None = None
    programs: Path | None = None
    connection_limit: int = 20
    settings: Mapping[str, str] = field(default_factory=dict)

    def public_address(self, port: int) -> Address:
        """Return the address that connections name, for a server that listens on `port`."""
        return Address(self.public_host or find_local_host(self.listen), self.public_port or port)


@asynccontextmanager
async def open_embedded_provider(
    options: EmbeddedOptions, installation: str, clock: Clock, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    """Start the bundled server and open a provider on it. Raises StartupError when the folder or
    the port is in use, or when the server does not start."""
    async with (
        _running_server(options, clock, log) as server,
        open_provider(server, installation) as provider,
    ):
        yield provider


@asynccontextmanager
async def _running_server(
    options: EmbeddedOptions, clock: Clock, log: BoundLogger
) -> AsyncIterator[Server]:
    cluster = Cluster(options.folder)
    async with AsyncExitStack() as closing:
        with _startup_errors(cluster):
            closing.enter_context(cluster.lock())
            server = await _start(cluster, options, clock, log, closing)
        yield server


async def _start(
    cluster: Cluster,
    options: EmbeddedOptions,
    clock: Clock,
    log: BoundLogger,
    closing: AsyncExitStack,
) -> Server:
    programs = await _prepare(cluster, options)
    port = await run_in_thread(cluster.choose_port, options.port, options.listen)
    await run_in_thread(_configure, cluster, programs, port, options)
    login = {
        "host": open_short_path(cluster.data, port, closing),
        "port": port,
        "database": "postgres",
        "server_user": get_server_uid(programs.account),
    }
    superuser = {**login, "user": SUPERUSER}
    server_log = await closing.enter_async_context(_open_server_log(cluster))
    postmaster = Postmaster(cluster, programs, server_log, superuser, clock, log)
    closing.push_async_callback(postmaster.stop)
    await postmaster.start()
    _log_version(programs, log)
    for oid in await set_up(cluster, superuser):
        log.warning("postgres.removed_incomplete_database", oid=oid)
    await load_libraries(superuser)
    tenant_owned = await trust_extensions(cluster.data, programs.major, superuser, programs.account)
    tasks = (
        postmaster.watch,
        partial(transfer_all_extensions, cluster, superuser, tenant_owned, log),
    )
    await closing.enter_async_context(_background_tasks(*tasks))
    return Server(
        admin={**login, "user": ADMIN},
        superuser=superuser,
        installable=HARMLESS - tenant_owned,
        tenant_owned=tenant_owned,
        public=(options.public_address(port),),
        pooler_bypass={"host": find_local_host(options.listen), "port": port},
        connection_limit=options.connection_limit,
        sslmode="require" if await has_tls(superuser) else "disable",
    )


def _log_version(programs: Programs, log: BoundLogger) -> None:
    version = programs.version
    log.info("postgres.started", version=str(version), programs=str(programs.folder))
    if version.lacks_fixes:
        log.warning("postgres.lacks_security_fixes", version=str(version), detail=version.advice)


@contextmanager
def _startup_errors(cluster: Cluster) -> Iterator[None]:
    """Translate the errors of starting the server to StartupError."""
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


async def _prepare(cluster: Cluster, options: EmbeddedOptions) -> Programs:
    """Return programs that can read the folder's data. Stop old servers, and create the data if it
    is missing. Raises StartupError."""
    account = await prepare_account()
    if account:
        check_folder(cluster.folder, account)
    await run_in_thread(end_old_server, cluster.data, account)
    programs = await load_programs(options.programs, account)
    if not cluster.exists:
        await create_cluster(cluster, programs)
        return programs
    cluster.check_major(programs.folder, programs.version)
    cluster.check_owner(account.uid if account else os.geteuid())
    if await run_in_thread(is_overwritten, cluster.data):
        await _restore_configuration(cluster, programs)
    return programs


async def _restore_configuration(cluster: Cluster, programs: Programs) -> None:
    """Restore initdb's configuration, which an earlier pgvend replaced by its own."""
    text = await generate_configuration(cluster, programs)
    await run_in_thread(reset_extension_transfer, cluster)
    await run_in_thread(write_file, cluster.data / INITDB_CONFIGURATION, text, programs.account)


def _configure(cluster: Cluster, programs: Programs, port: int, options: EmbeddedOptions) -> None:
    control_settings = control_path(cluster.data, programs.major)
    write_configuration(
        cluster.data,
        listen=ListenAddresses(port, options.listen),
        major=programs.major,
        os_user=get_user_name(),
        account=programs.account,
        extra={**control_settings, **options.settings},
    )


def get_server_uid(account: Account | None) -> int:
    """Return the user id that the server behind the socket must have: the account could put a link
    to another server's socket into its data folder."""
    return account.uid if account else os.geteuid()


def open_short_path(data: Path, port: int, closing: AsyncExitStack) -> str:
    """Return a path to `data` that is short enough for the address of the socket in it. It is valid
    until `closing` is closed. Raises StartupError."""
    if len(bytes(data / f".s.PGSQL.{port}")) <= LONGEST_SOCKET_PATH:
        return str(data)
    if sys.platform != "linux":
        raise StartupError(f"The path {data} is too long: set PGVEND_DATA_DIR to a shorter one.")
    descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY)
    closing.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


@asynccontextmanager
async def _open_server_log(cluster: Cluster) -> AsyncIterator[ServerLog]:
    await run_in_thread(cluster.shorten_log)
    server_log = ServerLog(cluster)
    try:
        async with _background_tasks(server_log.copy_forever):
            yield server_log
    finally:
        await run_in_thread(server_log.close)


@asynccontextmanager
async def _background_tasks(*functions: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run tasks in the background until the context exits."""
    tasks = [asyncio.ensure_future(function()) for function in functions]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
