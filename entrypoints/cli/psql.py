"""`pgvend psql`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from domain.connection import Connection
from entrypoints.cli.client import AskError, explained
from entrypoints.cli.connection import ask_connection
from entrypoints.cli.options import Id, Verify
from entrypoints.cli.printing import connection_of, kept_authorities
from entrypoints.formats.rendering import variables

Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for psql, after --.")]


def psql(database_id: Id, arguments: Arguments = None, verify: Verify = True) -> None:
    """Open psql in a database; the password appears neither on a command line nor in a history."""
    with explained():
        connection = connection_of(ask_connection(database_id, verify=verify))
        environment = {**os.environ, **variables(connection, _authorities(connection))}
        try:
            os.execvpe("psql", ["psql", *(arguments or [])], environment)  # noqa: S606, S607 - psql from the user's PATH
        except OSError as error:
            raise AskError(
                f"psql cannot be started ({error.strerror}): install PostgreSQL's client programs."
            ) from error


def _authorities(connection: Connection) -> str | None:
    """Write the certificate authorities to a file for psql, and return its path. The file stays in
    the temporary folder, because psql replaces this process."""
    if connection.sslrootcert is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="pgvend-"))
    return kept_authorities(connection, folder / "ca.pem")
