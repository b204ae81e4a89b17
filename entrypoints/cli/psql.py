"""`pgvend psql`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.connection import fetch_connection
from entrypoints.cli.errors import RequestError, report_errors
from entrypoints.cli.options import DatabaseName, Verify
from entrypoints.cli.printing import parse_connection
from entrypoints.cli.programs import find_program
from entrypoints.cli.tenant_programs import create_environment

Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for psql, after --.")]


def psql(name: DatabaseName, arguments: Arguments = None, verify: Verify = True) -> None:
    """Open psql in a database; the password appears neither on a command line nor in a history.

    The bundled psql, which has no line editing, is used if the machine has none or an older one.
    """
    with report_errors():
        program = find_program("psql")
        connection = parse_connection(fetch_connection(name, verify=verify))
        # the folder stays, because psql replaces this process
        folder = Path(tempfile.mkdtemp(prefix="pgvend-")) if connection.sslrootcert else Path()
        environment = create_environment(connection, folder)
        try:
            os.execve(program, [program, *(arguments or [])], environment)  # noqa: S606
        except OSError as error:
            raise RequestError(f"psql cannot be started ({error.strerror}).") from error
