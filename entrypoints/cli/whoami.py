"""`pgvend whoami`."""

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_members


def whoami(as_json: AsJson = False) -> None:
    """Print the caller that your API key stands for, its scopes, quota and expiry."""
    with report_errors():
        caller = send_request("GET", "whoami")
        get_member(caller, "caller")
        (print_json if as_json else print_members)(caller)
