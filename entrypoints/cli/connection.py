"""`pgvend connection` and `pgvend url`."""

from entrypoints.cli.asking import ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, FormatName, Id
from entrypoints.cli.printing import print_connection, print_json
from entrypoints.formats import chosen


def connection(
    database_id: Id,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Print a database's connection again."""
    with explained():
        form = chosen(format_name, None)
        told = ask("GET", "databases", database_id, "connection")
        if as_json:
            print_json(told)
        else:
            print_connection(told, form, ca_file)


def url(database_id: Id, ca_file: CaFile = None) -> None:
    """Print a database's connection URI."""
    connection(database_id, ca_file=ca_file)
