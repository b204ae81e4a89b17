"""`pgvend show`."""

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseId
from entrypoints.cli.printing import print_json, print_members


def show(database_id: DatabaseId, as_json: AsJson = False) -> None:
    """Print the record of a database, without secrets."""
    with report_errors():
        database = send_request("GET", "databases", database_id)
        (print_json if as_json else print_members)(database)
