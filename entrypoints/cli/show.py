"""`pgvend show`."""

from entrypoints.cli.client import ask, explained
from entrypoints.cli.options import AsJson, Id
from entrypoints.cli.printing import print_json, print_members


def show(database_id: Id, as_json: AsJson = False) -> None:
    """Print the record of a database, without secrets."""
    with explained():
        database = ask("GET", "databases", database_id)
        (print_json if as_json else print_members)(database)
