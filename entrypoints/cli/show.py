"""`pgvend show`."""

from entrypoints.cli.databases import find_database
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseName
from entrypoints.cli.printing import print_json, print_members
from entrypoints.cli.units import format_size


def show(name: DatabaseName, as_json: AsJson = False) -> None:
    """Print the record of a database, without secrets."""
    with report_errors():
        database = find_database(name, measure=True)
        if as_json:
            print_json(database)
        else:
            size = {"size": format_size(database["size"])} if "size" in database else {}
            print_members({**database, **size})
