"""What PostgreSQL's programs need to connect to a tenant's database. The password is in their
environment: all users of a machine can see command lines."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.connection import Connection
from entrypoints.cli.connection import fetch_connection
from entrypoints.cli.printing import parse_connection, write_authorities
from entrypoints.formats.rendering import to_variables

KEPT = frozenset(
    {"PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGOPTIONS", "PGTZ"}
)
"""Variables of libpq that stay as they are. Others, such as PGHOSTADDR, could lead elsewhere."""


@contextmanager
def tenant_environment(name: str, *, verify: bool) -> Iterator[Mapping[str, str]]:
    """Yield the environment of programs that connect to the database of that name. Raises
    RequestError."""
    connection = parse_connection(fetch_connection(name, verify=verify))
    with TemporaryDirectory(prefix="pgvend-") as folder:
        yield create_environment(connection, Path(folder))


def create_environment(connection: Connection, folder: Path) -> Mapping[str, str]:
    """Return the environment of a program. Certificate authorities are written to the folder."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PG") or name in KEPT
    }
    ca_file = write_authorities(connection, folder / "ca.pem")
    return {**inherited, **to_variables(connection, ca_file)}
