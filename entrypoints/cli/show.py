"""`pgvend show`."""

from entrypoints.cli.databases import find_database
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseName
from entrypoints.cli.printing import print_json, print_members


def show(name: DatabaseName, as_json: AsJson = False) -> None:
    """Print the record of a database, without secrets."""
    with report_errors():
        database = find_database(name)
        (print_json if as_json else print_members)(database)
