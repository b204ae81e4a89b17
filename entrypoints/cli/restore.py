"""`pgvend restore`."""

from entrypoints.cli.client import send_request
from entrypoints.cli.databases import find_id
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, DatabaseName, FormatName, Ttl
from entrypoints.cli.printing import print_result
from entrypoints.formats import choose_format


def restore(
    name: DatabaseName,
    ttl: Ttl = None,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Restore an expired database within its grace period, and print its connection."""
    with report_errors():
        form = choose_format(format_name, None)
        body = {} if ttl is None else {"ttl": ttl}
        restored = send_request("POST", "databases", find_id(name), "restore", body=body)
        print_result(restored, form, as_json=as_json, ca_file=ca_file)
