"""`pgvend connection`."""

from entrypoints.cli.asking import ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, FormatName, Id
from entrypoints.cli.printing import print_connection, print_json
from entrypoints.formats import chosen


def connection(
    database_id: Id, format_name: FormatName = DEFAULT_FORMAT, as_json: AsJson = False
) -> None:
    """Print a database's connection again."""
    with explained():
        form = chosen(format_name, None)
        told = ask("GET", "databases", database_id, "connection")
        if as_json:
            print_json(told)
        else:
            print_connection(told, form)
