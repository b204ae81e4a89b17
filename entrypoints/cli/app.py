"""`pgvend`: one command per file, which is loaded when it is used. Who asks a service for something
does not wait until all that a service needs is loaded."""

import errno
import os
import sys
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "serve": "serve.serve",
    "create": "create.create",
    "doctor": "doctor.doctor",
    "list": "list.list_",
    "extensions": "extensions.extensions",
    "keys": "keys.keys",
    "show": "show.show",
    "connection": "connection.connection",
    "url": "connection.url",
    "psql": "psql.psql",
    "extend": "extend.extend",
    "rotate": "rotate.rotate",
    "delete": "delete.delete",
    "restore": "restore.restore",
    "sweep": "sweep.sweep",
    "audit": "audit.audit",
    "neon-emulator": "neon_emulator.neon_emulator",
}
"""By their names: the file, and what in it is the command."""

GROUPS = {"extensions", "keys"}
"""Those that make commands of their own."""


_OUTPUT_ERRORS = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT, errno.EFBIG}
"""What writing to a full disk, a closed pipe or a lost terminal fails with."""


class Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._loaded = cache(_loaded)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # for the help, and for whoever mistypes one

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._loaded(cmd_name) if cmd_name in COMMANDS else None


def main() -> None:
    app = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals hold secrets
    )
    app.callback()(pgvend)
    try:
        _run(app)
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own flush
        print(f"pgvend: cannot write its output ({error.strerror}).", file=sys.stderr)
        sys.exit(1)


def _run(app: typer.Typer) -> None:
    """Flush here: at the exit Python could only print a traceback about a full disk."""
    try:
        app()
    finally:
        sys.stdout.flush()


def pgvend() -> None:
    """Postgres vending: a nickname in, a working database out."""


def _loaded(name: str) -> Any:
    file, _, what = COMMANDS[name].partition(".")
    found = getattr(import_module(f"entrypoints.cli.{file}"), what)
    app = typer.Typer()
    if name in GROUPS:
        app.add_typer(found(), name=name)
    else:
        app.command(name)(found)
    return get_group(app).commands[name]
