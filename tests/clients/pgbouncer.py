"""PgBouncer in front of a database, in transaction mode."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.clients.places import Database
from tests.support.pgbouncer import find_pgbouncer, running_pgbouncer
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
    with ram_folder() as folder:
        folder.chmod(0o711)
        port = find_free_port()
        file = _configure(folder, connection, port)
        async with running_pgbouncer(find_pgbouncer(), file):
            yield port


def _configure(folder: Path, connection: Mapping[str, Any], listen: int) -> Path:
    """Write the files that PgBouncer reads, and return its configuration."""
    users, authority, file = (folder / name for name in ("users.txt", "ca.pem", "pgbouncer.ini"))
    users.write_text(f'"{connection["user"]}" "{connection["password"]}"\n')
    tls = f"server_tls_sslmode = {connection['sslmode']}"
    if "sslrootcert" in connection:
        authority.write_text(connection["sslrootcert"])
        tls += f"\nserver_tls_ca_file = {authority}"
    file.write_text(CONFIGURATION.format(**connection, listen=listen, users=users, tls=tls))
    return file
