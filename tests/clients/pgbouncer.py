"""PgBouncer in front of a database, in transaction mode."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from adapters.embedded.account import Account, prepare_account
from tests.clients.places import Database
from tests.support.requirements import skip_without
from tests.support.servers import find_free_port, ram_folder

CONFIGURATION = """
[databases]
{database} = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
{tls}
"""


@asynccontextmanager
async def pgbouncer(database: Database) -> AsyncIterator[int]:
    """Run PgBouncer for the tenant's login, and yield its port."""
    connection = await database.connection()
    account = await prepare_account()
    with ram_folder() as folder:
        folder.chmod(0o711)
        port = find_free_port()
        file = _configure(folder, connection, port, account)
        process = await _start(file, account)
        try:
            yield port
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()


def _configure(
    folder: Path, connection: Mapping[str, Any], listen: int, account: Account | None
) -> Path:
    """Write the files that PgBouncer reads, and return its configuration."""
    users, authority, file = (folder / name for name in ("users.txt", "ca.pem", "pgbouncer.ini"))
    users.write_text(f'"{connection["user"]}" "{connection["password"]}"\n')
    tls = f"server_tls_sslmode = {connection['sslmode']}"
    if "sslrootcert" in connection:
        authority.write_text(connection["sslrootcert"])
        tls += f"\nserver_tls_ca_file = {authority}"
    file.write_text(CONFIGURATION.format(**connection, listen=listen, users=users, tls=tls))
    for path in folder.iterdir():
        path.chmod(0o600)
        if account:
            os.chown(path, account.uid, account.gid)
    return file


async def _start(file: Path, account: Account | None) -> asyncio.subprocess.Process:
    """Start it, as a system user that may run it, and return when it listens."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if not program:
        skip_without("pgbouncer: apt-get install pgbouncer")
    process = await asyncio.create_subprocess_exec(
        program,
        str(file),
        stderr=asyncio.subprocess.PIPE,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    assert process.stderr
    written = b""
    async for line in process.stderr:
        written += line
        if b"process up" in line:
            return process
    raise AssertionError(written.decode())
