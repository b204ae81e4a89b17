"""The server's configuration files, written at each start: pgvend's settings override initdb's."""

import sys
from collections.abc import Mapping
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.files import read_file, write_file
from adapters.embedded.listen_addresses import ListenAddresses

SUPERUSER = "postgres"
ADMIN = "pgvend_admin"

INITDB_CONFIGURATION = "postgresql.conf"
OWN_CONFIGURATION = "pgvend.conf"
"""The file that the server is started with. It includes initdb's first, so that pgvend's settings
apply."""

_SETTINGS: Mapping[str, str] = {
    "unix_socket_directories": ".",
    "cluster_name": "pgvend",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "authentication_timeout": "10s",  # half-open logins occupy connections, even the superuser's
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "256",
    "temp_file_limit": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",  # each round visits every database
    "log_destination": "stderr",
    "logging_collector": "off",  # `server_log` limits what tenants write; this one does not
    "log_min_error_statement": "panic",  # tenants write secrets into statements
    "log_checkpoints": "off",  # every new database causes one
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}

_SETTINGS_SINCE: Mapping[int, Mapping[str, str]] = {
    16: {"reserved_connections": "8"},  # for the admin: tenants cannot occupy the last connections
    17: {"allow_alter_system": "off"},
}
"""Settings by the first major version that has them."""

_LINUX_SETTINGS = {
    "recovery_init_sync_method": "syncfs"  # without it, recovery of 3,000 databases takes 40 s
}

_HBA = f"""\
# type  database                     user                  address         method
local   all                          {SUPERUSER},{ADMIN}                   peer map=pgvend
local   all                          all                                   reject
host    all                          {SUPERUSER},{ADMIN}   all             reject
host    postgres,template0,template1 all                   all             reject
host    all                          all                   {{clients}}       scram-sha-256
host    all                          all                   all             reject
"""


def write_configuration(
    data: Path,
    *,
    listen: ListenAddresses,
    major: int,
    os_user: str,
    account: Account | None,
    extra: Mapping[str, str],
) -> None:
    """Write the files. The settings in `extra` override pgvend's."""
    address = {"listen_addresses": ",".join(listen.addresses), "port": str(listen.port)}
    settings = {**_collect_settings(major), **address, **extra}
    lines = [f"{name} = {quote(value)}\n" for name, value in settings.items()]
    files = {
        OWN_CONFIGURATION: "".join([f"include {quote(INITDB_CONFIGURATION)}\n", *lines]),
        "postgresql.auto.conf": "",  # the server reads it last
        "pg_hba.conf": _HBA.format(clients="samehost" if listen.is_local else "all"),
        "pg_ident.conf": f'pgvend "{os_user}" {SUPERUSER}\npgvend "{os_user}" {ADMIN}\n',
    }
    for name, text in files.items():
        write_file(data / name, text, account)


def is_overwritten(data: Path) -> bool:
    """Return whether an earlier pgvend replaced initdb's configuration by its own."""
    text = read_file(data / INITDB_CONFIGURATION)
    return text is None or text.startswith("listen_addresses = ")


def quote(value: str) -> str:
    """Quote a value for postgresql.conf. Raises ValueError for a value of several lines, which the
    format does not allow."""
    if "\n" in value:
        raise ValueError("the value of a setting must be one line")
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _collect_settings(major: int) -> dict[str, str]:
    settings = dict(_SETTINGS)
    for first, newer in _SETTINGS_SINCE.items():
        if major >= first:
            settings |= newer
    if sys.platform == "linux":
        settings |= _LINUX_SETTINGS
    return settings
