"""`pgvend`: one file for each command, loaded when it is used, so that a client command does not
load the modules of the server."""

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
    "template": "template.template",
    "show": "show.show",
    "connection": "connection.connection",
    "url": "connection.url",
    "psql": "psql.psql",
    "extend": "extend.extend",
    "rotate": "rotate.rotate",
    "delete": "delete.delete",
    "restore": "restore.restore",
    "reconcile": "reconcile.reconcile",
    "audit": "audit.audit",
    "bench": "bench.bench",
    "neon-emulator": "neon_emulator.neon_emulator",
}
"""The file and the function of each command."""

GROUPS = {"extensions", "keys", "template"}
"""Commands with subcommands."""


_OUTPUT_ERRORS = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT, errno.EFBIG}
"""Errors of writing to a full disk, a closed pipe or a lost terminal."""


class Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._load_command = cache(_load_command)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # for the help, and to suggest a command for a misspelled one

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._load_command(cmd_name) if cmd_name in COMMANDS else None


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
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # for Python's flush at the exit
        print(f"pgvend: cannot write its output ({error.strerror}).", file=sys.stderr)
        sys.exit(1)


def _run(app: typer.Typer) -> None:
    """Run the command, and flush: at the exit, Python prints a traceback if the disk is full."""
    try:
        app()
    finally:
        sys.stdout.flush()


def pgvend() -> None:
    """Create PostgreSQL databases by nickname, with working credentials."""


def _load_command(name: str) -> Any:
    file, _, function_name = COMMANDS[name].partition(".")
    function = getattr(import_module(f"entrypoints.cli.{file}"), function_name)
    app = typer.Typer()
    if name in GROUPS:
        app.add_typer(function(), name=name)
    else:
        app.command(name)(function)
    return get_group(app).commands[name]
