"""`pgvend delete`."""

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseId
from entrypoints.cli.printing import print_json, print_table


def delete(database_id: DatabaseId, as_json: AsJson = False) -> None:
    """Delete a database and disconnect its users; completes in the background."""
    with report_errors():
        database = send_request("DELETE", "databases", database_id)
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state"), [database])
