"""`pgvend delete`."""

from entrypoints.cli.client import ask, explained
from entrypoints.cli.options import AsJson, Id
from entrypoints.cli.printing import print_json, print_table


def delete(database_id: Id, as_json: AsJson = False) -> None:
    """Delete a database and disconnect its users; completes in the background."""
    with explained():
        database = ask("DELETE", "databases", database_id)
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state"), [database])
