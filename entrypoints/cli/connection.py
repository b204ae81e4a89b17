"""`pgvend connection` and `pgvend url`."""

import sys
from typing import Any

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, DatabaseName, FormatName, Verify
from entrypoints.cli.printing import print_connection, print_json
from entrypoints.formats import choose_format


def connection(
    name: DatabaseName,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    verify: Verify = True,
    as_json: AsJson = False,
) -> None:
    """Print the connection of a database."""
    with report_errors():
        form = choose_format(format_name, None)
        answer = fetch_connection(name, verify=verify)
        if as_json:
            print_json(answer)
        else:
            print_connection(answer, form, ca_file)


def url(
    name: DatabaseName, ca_file: CaFile = None, verify: Verify = True, as_json: AsJson = False
) -> None:
    """Print the connection URI of a database."""
    connection(name, ca_file=ca_file, verify=verify, as_json=as_json)


def env(
    name: DatabaseName, ca_file: CaFile = None, verify: Verify = True, as_json: AsJson = False
) -> None:
    """Print the connection of a database as variables for a shell or .env."""
    connection(name, "env", ca_file=ca_file, verify=verify, as_json=as_json)


def fetch_connection(name: str, *, verify: bool) -> Any:
    """Return the connection as the service answers it, and warn on standard error if its login
    failed. Raises RequestError."""
    query = [("verify", "true")] if verify else []
    answer = send_request("GET", "databases", name, "connection", query=query)
    if answer.get("verified") is False:
        print(
            "pgvend: warning: the service could not log in to the database to verify this "
            "connection; the database may be busy or unreachable.",
            file=sys.stderr,
        )
    return answer
