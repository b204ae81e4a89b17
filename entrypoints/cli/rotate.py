"""`pgvend rotate`."""

import sys
from typing import Annotated

import typer

from entrypoints.cli.client import ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, FormatName, Id
from entrypoints.cli.printing import print_handed_out
from entrypoints.formats import chosen

EndSessions = Annotated[
    bool,
    typer.Option(
        "--end-sessions", help="Also end the open sessions of the owner, such as after a leak."
    ),
]


def rotate(
    database_id: Id,
    end_sessions: EndSessions = False,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Change the password of a database and print its connection; the old password stops working.

    Reports on standard error if the owner's open sessions were ended.
    """
    with explained():
        form = chosen(format_name, None)  # before anything is changed
        body = {"end_sessions": True} if end_sessions else None
        rotated = ask("POST", "databases", database_id, "rotate", body=body)
        print_handed_out(rotated, form, as_json=as_json, ca_file=ca_file)
        if rotated.get("sessions_ended"):
            print("pgvend: the owner's open sessions were ended", file=sys.stderr)
