"""The server's configuration files: initdb's, and ours over it, written at each start."""

import sys
from collections.abc import Mapping
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.files import read_file, write_file
from adapters.embedded.listening import Listening

SUPERUSER = "postgres"
ADMIN = "pgvend_admin"

INITDBS = "postgresql.conf"
OURS = "pgvend.conf"
"""The file that the server is started with: it includes initdb's, so that ours come last."""

_SETTINGS: Mapping[str, str] = {
    "unix_socket_directories": ".",
    "cluster_name": "pgvend",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "authentication_timeout": "10s",  # half-open logins take places, even a superuser's
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "256",
    "temp_file_limit": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",  # a round visits every database
    "log_destination": "stderr",
    "logging_collector": "off",  # `server_log` bounds what tenants write; this one would not
    "log_min_error_statement": "panic",  # tenants write secrets into statements
    "log_checkpoints": "off",  # every new database makes one
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}

_SINCE: Mapping[int, Mapping[str, str]] = {
    16: {"reserved_connections": "8"},  # for the admin: tenants cannot take the last places
    17: {"allow_alter_system": "off"},
}
"""By the major version that knows them first."""

_ON_LINUX = {"recovery_init_sync_method": "syncfs"}  # else a crash with 3,000 databases costs 40 s

_HBA = f"""\
# type  database                     user                  address         method
local   all                          {SUPERUSER},{ADMIN}                   peer map=pgvend
local   all                          all                                   reject
host    all                          {SUPERUSER},{ADMIN}   all             reject
host    postgres,template0,template1 all                   all             reject
host    all                          all                   {{callers}}       scram-sha-256
host    all                          all                   all             reject
"""


def write_configuration(
    data: Path,
    *,
    at: Listening,
    major: int,
    os_user: str,
    account: Account | None,
    extra: Mapping[str, str],
) -> None:
    """`extra` settings go over ours."""
    where = {"listen_addresses": ",".join(at.addresses), "port": str(at.port)}
    settings = {**_settings(major), **where, **extra}
    lines = [f"{name} = {quoted(value)}\n" for name, value in settings.items()]
    files = {
        OURS: "".join([f"include {quoted(INITDBS)}\n", *lines]),
        "postgresql.auto.conf": "",  # the server reads it after ours
        "pg_hba.conf": _HBA.format(callers="samehost" if at.is_local else "all"),
        "pg_ident.conf": f'pgvend "{os_user}" {SUPERUSER}\npgvend "{os_user}" {ADMIN}\n',
    }
    for name, text in files.items():
        write_file(data / name, text, account)


def is_overwritten(data: Path) -> bool:
    """Whether an earlier pgvend put its own settings in the place of initdb's, which it lost."""
    text = read_file(data / INITDBS)
    return text is None or text.startswith("listen_addresses = ")


def quoted(value: str) -> str:
    """`value` as a string in a file of the kind of postgresql.conf. Raises ValueError for one of
    several lines, which none can hold."""
    if "\n" in value:
        raise ValueError("a setting is one line")
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _settings(major: int) -> dict[str, str]:
    settings = dict(_SETTINGS)
    for first, since in _SINCE.items():
        if major >= first:
            settings |= since
    if sys.platform == "linux":
        settings |= _ON_LINUX
    return settings
