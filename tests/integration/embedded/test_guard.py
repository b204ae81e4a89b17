"""The guard of the bundled server, where it works without SQL."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from adapters.embedded.account import find_account
from adapters.embedded.guard import end_backend, end_waiting_sessions, open_embedded_guard
from adapters.postgres.provider import PostgresProvider
from domain.server_snapshot import Session
from tests.support.databases import provisioned_database
from tests.support.guard_runs import open_provider_guard
from tests.support.polling import wait_until
from tests.support.postgres_under_test import tenant_session
from tests.support.provision_requests import new_provision_request
from tests.support.requirements import skip_without


async def test_a_signal_ends_a_session_that_sql_cannot_end(bundled_18: PostgresProvider) -> None:
    stranger = {**(bundled_18.server.superuser or {}), "user": "nobody"}
    without_superuser = replace(bundled_18, server=replace(bundled_18.server, superuser=stranger))
    async with (
        provisioned_database(bundled_18, new_provision_request()) as connection,
        tenant_session(connection) as session,
        open_provider_guard(bundled_18) as other_guard,
        open_embedded_guard(without_superuser) as guard,
    ):
        [seen] = (await other_guard.inspect()).sessions
        assert await guard.end(seen)

        async def is_over() -> bool:
            return bool(session.is_closed())

        await wait_until(is_over)


async def test_no_other_process_gets_a_signal(bundled_18: PostgresProvider) -> None:
    """Neither another program nor a later session that reuses the process id of an earlier one."""
    data = Path(bundled_18.server.admin["host"])
    async with (
        provisioned_database(bundled_18, new_provision_request()) as connection,
        tenant_session(connection) as session,
        open_provider_guard(bundled_18) as guard,
    ):
        [seen] = (await guard.inspect()).sessions
        for other in (
            replace(seen, pid=os.getpid()),
            replace(seen, pid=2**22 + 1),
            replace(seen, connected_for=3600.0),
        ):
            assert not end_backend(data, other)
        assert await session.fetchval("SELECT 42") == 42


async def test_a_process_that_the_servers_account_names_gets_no_signal(new_folder: Path) -> None:
    """The account writes the file with the server's process id, and could name another user's
    process."""
    account = find_account()
    if account is None:
        skip_without("root, who runs the server as another user")
    (new_folder / "postmaster.pid").write_text(f"{os.getpid()}\n")
    for path in (new_folder, new_folder / "postmaster.pid"):
        os.chown(path, account.uid, account.gid)
    child = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        assert not end_backend(new_folder, Session(pid=child.pid, tenant="db_1", role=1))
        assert child.returncode is None
    finally:
        child.kill()
        await child.wait()


async def test_the_guard_measures_the_free_disk_space(bundled_18: PostgresProvider) -> None:
    async with open_provider_guard(bundled_18) as guard:
        disk = (await guard.inspect()).disk
        assert disk is not None
        assert 0 < disk.free <= disk.total


HOLD_LOCK = "BEGIN; SELECT count(*) FROM pg_roles"
QUEUE_FOR_LOCK = """
DO $$ BEGIN
    EXECUTE 'CREATE RULE r AS ON INSERT TO pg_catalog.pg_authid DO NOTHING';
END $$
"""


async def test_a_guard_that_starts_during_an_attack_logs_in(
    bundled_18: PostgresProvider,
) -> None:
    """Every login waits for the attacker, the guard's included."""
    async with (
        provisioned_database(bundled_18, new_provision_request()) as innocent,
        provisioned_database(bundled_18, new_provision_request()) as attacker,
        tenant_session(innocent) as idle,
        tenant_session(innocent) as busy,
        tenant_session(attacker) as lock_holder,
        tenant_session(attacker) as attacking_session,
    ):
        working = asyncio.create_task(busy.fetchval("SELECT 42 FROM pg_sleep(3)"))
        await lock_holder.execute(HOLD_LOCK)
        queue = asyncio.create_task(attacking_session.execute(QUEUE_FOR_LOCK))
        await wait_until(lambda: _is_waiting(attacking_session))
        async with open_provider_guard(bundled_18) as guard:
            assert (await guard.inspect()).sessions
        with pytest.raises(asyncpg.PostgresConnectionError):
            await queue
        assert await idle.fetchval("SELECT 42") == 42
        assert await working == 42
        assert await lock_holder.fetchval("SELECT 42") == 42


async def _is_waiting(session: asyncpg.Connection) -> bool:
    process = psutil.Process(session.get_server_pid())
    return " ".join(process.cmdline()).strip().endswith("waiting")


async def test_no_session_is_ended_for_a_lock_while_logins_work(
    bundled_18: PostgresProvider,
) -> None:
    data = Path(bundled_18.server.admin["host"])
    async with (
        provisioned_database(bundled_18, new_provision_request()) as connection,
        tenant_session(connection) as lock_holder,
        tenant_session(connection) as waiting,
    ):
        await lock_holder.execute("CREATE TABLE work (id int)")
        await lock_holder.execute("BEGIN; LOCK TABLE work")
        task = asyncio.create_task(waiting.fetchval("SELECT count(*) FROM work"))
        await wait_until(lambda: _is_waiting(waiting))
        assert end_waiting_sessions(data) == 0
        await lock_holder.execute("COMMIT")
        assert await task == 0
