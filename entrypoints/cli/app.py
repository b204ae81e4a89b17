"""`pgvend`: one command per file."""

import typer

from entrypoints.cli.audit import audit
from entrypoints.cli.connection import connection
from entrypoints.cli.create import create
from entrypoints.cli.delete import delete
from entrypoints.cli.doctor import doctor
from entrypoints.cli.extend import extend
from entrypoints.cli.keys import keys
from entrypoints.cli.list import list_
from entrypoints.cli.neon_emulator import neon_emulator
from entrypoints.cli.restore import restore
from entrypoints.cli.rotate import rotate
from entrypoints.cli.serve import serve
from entrypoints.cli.show import show
from entrypoints.cli.sweep import sweep


def main() -> None:
    app = typer.Typer(
        help="Postgres vending: a nickname in, a working database out.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals hold secrets
    )
    app.command()(serve)
    app.command()(create)
    app.command()(doctor)
    app.command("list")(list_)
    app.add_typer(keys(), name="keys")
    for command in (show, connection, extend, rotate, delete, restore, sweep, audit, neon_emulator):
        app.command()(command)
    app()
