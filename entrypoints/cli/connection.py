"""`pgvend connection` and `pgvend url`."""

import sys
from typing import Any

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, DatabaseId, FormatName, Verify
from entrypoints.cli.printing import print_connection, print_json
from entrypoints.formats import choose_format


def connection(
    database_id: DatabaseId,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    verify: Verify = True,
    as_json: AsJson = False,
) -> None:
    """Print the connection of a database."""
    with report_errors():
        form = choose_format(format_name, None)
        answer = fetch_connection(database_id, verify=verify)
        if as_json:
            print_json(answer)
        else:
            print_connection(answer, form, ca_file)


def url(database_id: DatabaseId, ca_file: CaFile = None, verify: Verify = True) -> None:
    """Print the connection URI of a database."""
    connection(database_id, ca_file=ca_file, verify=verify)


def env(database_id: DatabaseId, ca_file: CaFile = None, verify: Verify = True) -> None:
    """Print the connection of a database as variables for a shell or .env."""
    connection(database_id, "env", ca_file=ca_file, verify=verify)


def fetch_connection(database_id: str, *, verify: bool) -> Any:
    """Return the connection as the service answers it, and warn on standard error if its login
    failed. Raises RequestError."""
    query = [("verify", "true")] if verify else []
    answer = send_request("GET", "databases", database_id, "connection", query=query)
    if answer.get("verified") is False:
        print(
            "pgvend: warning: the service could not log in to the database to verify this "
            "connection; the database may be busy or unreachable.",
            file=sys.stderr,
        )
    return answer
