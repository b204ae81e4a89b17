"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.completion import complete_database
from entrypoints.formats import FORMATS

DatabaseName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The database: its id, its name on the server, or its nickname.",
        autocompletion=complete_database,
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the complete answer as JSON.")]

FormatName = Annotated[
    str,
    typer.Option(
        "--format", metavar="NAME", help=f"The connection format: one of {', '.join(FORMATS)}."
    ),
]

DEFAULT_FORMAT = "uri"

CSV = "csv"
"""A format of `pgvend create` for many databases."""

CreateFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help=f"The connection format: one of {', '.join(FORMATS)}; or {CSV}.",
    ),
]

CaFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the certificate authorities to this file, and use it in the output.",
    ),
]

Verify = Annotated[
    bool, typer.Option(help="Let the service verify the connection by a login first.")
]

Ttl = Annotated[str | None, typer.Option(help="The time until it expires: 24h, 7d, P1DT12H.")]

EndSessions = Annotated[
    bool, typer.Option("--end-sessions", help="End sessions in the database to copy.")
]
