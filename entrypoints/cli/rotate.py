"""`pgvend rotate`."""

import sys
from typing import Annotated

import typer

from entrypoints.cli.client import send_request
from entrypoints.cli.databases import find_id
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, DatabaseName, FormatName
from entrypoints.cli.printing import print_result
from entrypoints.formats import choose_format

EndSessions = Annotated[
    bool,
    typer.Option(
        "--end-sessions", help="Also end the open sessions of the owner, such as after a leak."
    ),
]


def rotate(
    name: DatabaseName,
    end_sessions: EndSessions = False,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Change the password of a database and print its connection; the old password stops working.

    Reports on standard error if the owner's open sessions were ended.
    """
    with report_errors():
        form = choose_format(format_name, None)  # before anything is changed
        body = {"end_sessions": True} if end_sessions else None
        rotated = send_request("POST", "databases", find_id(name), "rotate", body=body)
        print_result(rotated, form, as_json=as_json, ca_file=ca_file)
        if rotated.get("sessions_ended"):
            print("pgvend: the owner's open sessions were ended", file=sys.stderr)
