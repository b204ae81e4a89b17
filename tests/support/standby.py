"""A primary and its standby, which can be promoted."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.programs import DATA, Programs
from tests.support.polling import wait_until
from tests.support.postgres_under_test import session
from tests.support.servers import (
    FAST,
    PASSWORD,
    OperatorsServer,
    find_free_port,
    operators_server,
    programs_for_version,
    ram_folder,
    start_server,
    stop_server,
)

MAJOR = 15

IS_STREAMING = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"


@dataclass(frozen=True)
class ReplicatedPair:
    """Synchronous replication: no commit that the primary confirmed is lost with it."""

    primary: OperatorsServer
    standby: OperatorsServer

    def dsn(self, database: str = "postgres", attributes: str = "primary") -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (self.primary, self.standby))
        return f"postgresql://admin:{PASSWORD}@{hosts}/{database}?target_session_attrs={attributes}"

    async def fail_over(self) -> None:
        """Kill the primary, and promote the standby."""
        pid = int((self.primary.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        async with session({"dsn": self.standby.superuser_dsn}) as superuser:
            assert await superuser.fetchval("SELECT pg_promote()")


@asynccontextmanager
async def running_replicated_pair() -> AsyncIterator[ReplicatedPair]:
    programs = await programs_for_version(MAJOR)
    async with operators_server(MAJOR) as primary:
        with (primary.data / "pg_hba.conf").open("a") as rules:
            rules.write("host replication postgres 127.0.0.1/32 scram-sha-256\n")
        with ram_folder() as folder:
            folder.chmod(0o711)
            standby = OperatorsServer(major=MAJOR, port=find_free_port(), data=folder / "data")
            await _run(primary, "SELECT pg_reload_conf()")
            await _copy(programs, primary, standby.data)
            process = await start_server(programs, standby.data, standby.port, dict(FAST))
            try:
                await _wait_for_replication(primary)
                yield ReplicatedPair(primary, standby)
            finally:
                await stop_server(process)


async def _wait_for_replication(primary: OperatorsServer) -> None:
    async def streams() -> bool:
        async with session({"dsn": primary.superuser_dsn}) as superuser:
            return bool(await superuser.fetchval(IS_STREAMING))

    await wait_until(streams)
    await _run(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    await _run(primary, "ALTER SYSTEM SET synchronous_commit = on")
    await _run(primary, "SELECT pg_reload_conf()")


async def _copy(programs: Programs, primary: OperatorsServer, data: Path) -> None:
    await asyncio.to_thread(_create_data_folder, programs, data)
    with (data.parent / "log").open("ab") as log:
        status = await programs.run(
            "pg_basebackup",
            f"--pgdata={DATA}",
            f"--dbname={primary.superuser_dsn}",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            data=data,
            output=log,
        )
    assert status == 0, await asyncio.to_thread((data.parent / "log").read_text)


def _create_data_folder(programs: Programs, data: Path) -> None:
    data.mkdir(mode=0o700)
    if programs.account:
        os.chown(data, programs.account.uid, programs.account.gid)


async def _run(server: OperatorsServer, statement: str) -> None:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(statement)
