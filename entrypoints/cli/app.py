"""`pgvend`: one command per file."""

import typer

from entrypoints.cli.create import create
from entrypoints.cli.neon_emulator import neon_emulator
from entrypoints.cli.serve import serve


def main() -> None:
    app = typer.Typer(
        help="Postgres vending: a nickname in, a working database out.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals hold secrets
    )
    app.command()(serve)
    app.command()(create)
    app.command()(neon_emulator)
    app()
