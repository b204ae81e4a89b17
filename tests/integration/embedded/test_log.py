"""The bundled server's log while tenants write as much as they can."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded.account import prepare_account
from adapters.embedded.cluster import LOG_LIMIT, Cluster
from adapters.embedded.configuration import OWN_CONFIGURATION
from adapters.embedded.programs import DATA, load_programs
from adapters.embedded.server_log import ServerLog
from domain.errors import StartupError
from tests.support.embedded_servers import data_folder_in, login_session, open_server
from tests.support.legacy_clients import create_by_legacy_route, superuser_login
from tests.support.polling import PATIENCE
from tests.support.provision_requests import new_provision_request
from tests.support.servers import stop_server
from tests.support.service import running_service

HUGE = 8_000_000

FLOODS = {
    "log": "DO $$ BEGIN FOR i IN 1..25 LOOP RAISE LOG '%', repeat('x', {huge}); END LOOP; END $$",
    "lines": "DO $$ BEGIN FOR i IN 1..25 LOOP "
    "RAISE WARNING '%', repeat(repeat('x', 99) || chr(10), {huge} / 100); END LOOP; END $$",
    "small": "DO $$ BEGIN FOR i IN 1..100000 LOOP RAISE LOG '%', i; END LOOP; END $$",
    "errors": "SELECT '{text}'::int",
    "statements": "SELECT '{text}' FROM nowhere",
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_no_message_makes_the_log_exceed_its_limit(folder: Path, flood: str) -> None:
    async with open_server(folder) as provider:
        connection = await provider.provision(new_provision_request())
        async with (
            login_session(connection) as session,
            _measure_log(folder / "embedded") as max_size,
        ):
            await _flood(session, flood)
        async with login_session(connection) as session:
            assert await session.fetchval("SELECT 1") == 1
    assert 0 < max_size() <= 2 * LOG_LIMIT


async def test_a_stopped_service_does_not_block_the_server(folder: Path) -> None:
    """Neither a tenant's statement nor the server waits for a full pipe."""
    async with running_service(folder) as service:
        connection = await create_by_legacy_route(service.url, "Waiting")
        async with login_session(connection) as session:
            service.process.send_signal(signal.SIGSTOP)
            try:
                async with asyncio.timeout(60):
                    await _flood(session, "log")
            finally:
                service.process.send_signal(signal.SIGCONT)
    assert _size(folder / "embedded") <= 2 * LOG_LIMIT


async def test_a_server_whose_service_is_gone_keeps_running(folder: Path) -> None:
    """As on a system where the server outlives the service, until the next start ends it."""
    async with open_server(folder):
        pass
    server_log = ServerLog(Cluster(folder / "embedded"))
    programs = await load_programs(None, await prepare_account())
    options = ("-D", DATA, "-c", f"config_file={DATA}/{OWN_CONFIGURATION}")
    server = await programs.start(
        "postgres", *options, data=data_folder_in(folder), output=server_log.sink
    )
    server_log.close()
    try:
        session = await _connect(folder)
        for flood in FLOODS:
            await _flood(session, flood)
        assert await session.fetchval("SELECT 1") == 1
        await session.close()
    finally:
        await stop_server(server)


async def test_a_failed_start_reports_the_reason(folder: Path) -> None:
    with pytest.raises(StartupError, match=r'does not start:\n(.*\n)*.*"no_such_setting"'):
        async with open_server(folder, no_such_setting="x"):
            pass


async def _connect(folder: Path) -> asyncpg.Connection:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await asyncpg.connect(**superuser_login(folder))
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.01)


async def _flood(session: asyncpg.Connection, flood: str) -> None:
    with suppress(asyncpg.DataError, asyncpg.UndefinedTableError):
        await session.execute(FLOODS[flood].format(huge=HUGE, text="x" * HUGE))


@asynccontextmanager
async def _measure_log(folder: Path) -> AsyncIterator[Callable[[], int]]:
    """Measure the size of the log repeatedly, and yield a function that returns the maximum."""
    sizes = []

    async def measure() -> None:
        while True:
            sizes.append(_size(folder))
            await asyncio.sleep(0.002)

    measuring = asyncio.create_task(measure())
    try:
        yield lambda: max(sizes)
    finally:
        measuring.cancel()


def _size(folder: Path) -> int:
    """Return the size of all files in the server's folder except its data."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
