"""`pgvend restore`."""

from entrypoints.cli.client import ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, FormatName, Id, Ttl
from entrypoints.cli.printing import print_handed_out
from entrypoints.formats import chosen


def restore(
    database_id: Id,
    ttl: Ttl = None,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Restore an expired database within its grace period, and print its connection."""
    with explained():
        form = chosen(format_name, None)
        body = {} if ttl is None else {"ttl": ttl}
        restored = ask("POST", "databases", database_id, "restore", body=body)
        print_handed_out(restored, form, as_json=as_json, ca_file=ca_file)
