"""What several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.formats import FORMATS

Id = Annotated[str, typer.Argument(metavar="ID", help="The database's id; `pgvend list` has it.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print the whole answer.")]

FormatName = Annotated[
    str, typer.Option("--format", metavar="NAME", help=f"One of {', '.join(FORMATS)}.")
]

DEFAULT_FORMAT = "uri"

CaFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the server's certificate authorities there, and name the file."
    ),
]

Verify = Annotated[
    bool, typer.Option(help="Have the service log in first: is the password still the right one?")
]

Ttl = Annotated[str | None, typer.Option(help="How long it lives from now: 24h, 7d, P1DT12H.")]
