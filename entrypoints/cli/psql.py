"""`pgvend psql`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from domain.connection import Connection
from entrypoints.cli.asking import AskError, explained
from entrypoints.cli.connection import ask_connection
from entrypoints.cli.options import Id, Verify
from entrypoints.cli.printing import connection_of, kept_authorities
from entrypoints.formats.rendering import variables

Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for psql, after --.")]


def psql(database_id: Id, arguments: Arguments = None, verify: Verify = True) -> None:
    """Open psql in a database; the password is on no command line and in no history."""
    with explained():
        connection = connection_of(ask_connection(database_id, verify=verify))
        environment = {**os.environ, **variables(connection, _authorities(connection))}
        try:
            os.execvpe("psql", ["psql", *(arguments or [])], environment)  # noqa: S606, S607 - the caller's own psql
        except OSError as error:
            raise AskError(
                f"psql cannot be run ({error.strerror}): install PostgreSQL's client programs."
            ) from error


def _authorities(connection: Connection) -> str | None:
    """psql reads them from a file, which stays in the system's temporary folder: psql takes this
    process's place."""
    if connection.sslrootcert is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="pgvend-"))
    return kept_authorities(connection, folder / "ca.pem")
