"""The server's configuration files: ours from the first line to the last, written at each start."""

import sys
from collections.abc import Mapping
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.files import write_file

SUPERUSER = "postgres"
ADMIN = "pgvend_admin"

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": ".",
    "cluster_name": "pgvend",
    "max_connections": "200",
    "reserved_connections": "8",  # for the admin: tenants cannot take the last places
    "password_encryption": "scram-sha-256",
    "authentication_timeout": "10s",  # half-open logins take places, even a superuser's
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "256",
    "temp_file_limit": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",  # a round visits every database
    "log_min_error_statement": "panic",  # tenants write secrets into statements
    "log_checkpoints": "off",  # every new database makes one
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}

_ON_LINUX = {"recovery_init_sync_method": "syncfs"}  # else a crash with 3,000 databases costs 40 s

_HBA = f"""\
# type  database                     user                  address         method
local   all                          {SUPERUSER},{ADMIN}                   peer map=pgvend
local   all                          all                                   reject
host    all                          {SUPERUSER},{ADMIN}   all             reject
host    postgres,template0,template1 all                   all             reject
host    all                          all                   127.0.0.1/32    scram-sha-256
host    all                          all                   all             reject
"""


def write_configuration(
    data: Path,
    *,
    port: int,
    os_user: str,
    account: Account | None,
    extra: Mapping[str, str],
) -> None:
    settings = {**_SETTINGS, "port": str(port)}
    if sys.platform == "linux":
        settings |= _ON_LINUX
    lines = [f"{name} = '{value}'\n" for name, value in (settings | dict(extra)).items()]
    files = {
        "postgresql.conf": "".join(lines),
        "postgresql.auto.conf": "",
        "pg_hba.conf": _HBA,
        "pg_ident.conf": f'pgvend "{os_user}" {SUPERUSER}\npgvend "{os_user}" {ADMIN}\n',
    }
    for name, text in files.items():
        write_file(data / name, text, account)
