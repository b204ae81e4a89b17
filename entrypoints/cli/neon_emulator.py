"""`pgvend neon-emulator`."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.errors import report_errors

Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any free one.")
]
OperationMs = Annotated[int, typer.Option(min=0, help="The minimum duration of an operation.")]
StorePasswords = Annotated[bool, typer.Option(help="Whether the API can reveal passwords.")]
Knobs = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set any option: NAME=VALUE, such as idle=true; can be repeated."),
]

WriteEnv = Annotated[
    Path | None,
    typer.Option(
        "--write-env",
        metavar="FILE",
        help="Also write the settings to this file when the API is ready; other lines stay.",
    ),
]


def neon_emulator(
    port: Port = 8010,
    operation_ms: OperationMs = 50,
    store_passwords: StorePasswords = True,
    knobs: Knobs = None,
    write_env: WriteEnv = None,
) -> None:
    """Serve an emulation of Neon's API over PostgreSQL on this machine.

    Prints settings for .env. All its databases are lost when it stops.
    """
    from entrypoints.cli.run_emulator import run_emulator  # noqa: PLC0415 - `pgvend --help` loads this file

    usual = {"operation_seconds": operation_ms / 1000, "store_passwords": store_passwords}
    with report_errors():
        run_emulator(port, usual, knobs or [], write_env)
