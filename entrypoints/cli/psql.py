"""`pgvend psql`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from domain.connection import Connection
from entrypoints.cli.connection import fetch_connection
from entrypoints.cli.errors import RequestError, report_errors
from entrypoints.cli.options import DatabaseName, Verify
from entrypoints.cli.printing import parse_connection, write_authorities
from entrypoints.formats.rendering import to_variables

Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for psql, after --.")]


def psql(name: DatabaseName, arguments: Arguments = None, verify: Verify = True) -> None:
    """Open psql in a database; the password appears neither on a command line nor in a history."""
    with report_errors():
        connection = parse_connection(fetch_connection(name, verify=verify))
        environment = {
            **os.environ,
            **to_variables(connection, _write_authorities_file(connection)),
        }
        try:
            os.execvpe("psql", ["psql", *(arguments or [])], environment)  # noqa: S606, S607 - psql from the user's PATH
        except OSError as error:
            raise RequestError(
                f"psql cannot be started ({error.strerror}): install PostgreSQL's client programs."
            ) from error


def _write_authorities_file(connection: Connection) -> str | None:
    """Write the certificate authorities to a file for psql, and return its path. The file stays in
    the temporary folder, because psql replaces this process."""
    if connection.sslrootcert is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="pgvend-"))
    return write_authorities(connection, folder / "ca.pem")
