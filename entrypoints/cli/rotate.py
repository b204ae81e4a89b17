"""`pgvend rotate`."""

from entrypoints.cli.asking import ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, FormatName, Id
from entrypoints.cli.printing import print_handed_out
from entrypoints.formats import chosen


def rotate(
    database_id: Id,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Have a database's password changed and print its connection; the old password ends."""
    with explained():
        form = chosen(format_name, None)  # before anything is changed
        rotated = ask("POST", "databases", database_id, "rotate")
        print_handed_out(rotated, form, as_json=as_json, ca_file=ca_file)
