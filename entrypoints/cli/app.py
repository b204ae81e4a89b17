"""`pgvend`: one file for each command, loaded when it is used, so that a client command does not
load the modules of the server."""

import errno
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from entrypoints.cli.errors import ErrorFormat, ExitStatus, create_problem, print_error
from entrypoints.cli.global_options import (
    Key,
    ProfileName,
    Url,
    Version,
    choose_options,
    is_json_asked_for,
    move_global_options,
)
from entrypoints.cli.plain_values import skip_checks

COMMANDS = {
    "serve": "serve.serve",
    "open": "open.open_",
    "create": "create.create",
    "list": "list.list_",
    "show": "show.show",
    "url": "connection.url",
    "env": "connection.env",
    "connection": "connection.connection",
    "psql": "psql.psql",
    "dump": "dump.dump",
    "load": "load.load",
    "extend": "extend.extend",
    "rotate": "rotate.rotate",
    "restore": "restore.restore",
    "delete": "delete.delete",
    "template": "template.template",
    "webhook": "webhook.webhook",
    "extensions": "extensions.extensions",
    "keys": "keys.keys",
    "whoami": "whoami.whoami",
    "audit": "audit.audit",
    "reconcile": "reconcile.reconcile",
    "doctor": "doctor.doctor",
    "mcp": "mcp.mcp",
    "health": "health.health",
    "uninstall": "uninstall.uninstall",
    "bench": "bench.bench",
    "neon-emulator": "neon_emulator.neon_emulator",
}
"""The file and the function of each command."""

GROUPS = {"extensions", "keys", "template", "webhook"}
"""Commands with subcommands."""

WITHOUT_SERVICE = {"serve", "doctor", "health", "uninstall", "neon-emulator"}
"""Commands that read the settings of the service itself, not those of its callers."""


_OUTPUT_ERRORS = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT, errno.EFBIG}
"""Errors of writing to a full disk, a closed pipe or a lost terminal."""


class Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._load_command = cache(_load_command)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # for the help, and to suggest a command for a misspelled one
        _adjust(self)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._load_command(cmd_name) if cmd_name in COMMANDS else None

    def main(self, args: Sequence[str] | None = None, *others: Any, **more: Any) -> Any:
        """Run the command, and exit. With `--json`, errors of its usage are printed as JSON too."""
        arguments = move_global_options(sys.argv[1:] if args is None else args)
        ErrorFormat.as_json = is_json_asked_for(arguments)
        if not ErrorFormat.as_json:
            return super().main(arguments, *others, **more)
        try:
            status = super().main(arguments, *others, **more | {"standalone_mode": False})
        except typer.TyperException as error:
            message = error.format_message()
            print_error(message, create_problem(message, ExitStatus.USAGE))
            sys.exit(error.exit_code)
        sys.exit(status)


def create_app() -> typer.Typer:
    app = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},  # subcommands inherit them
        pretty_exceptions_show_locals=False,  # locals hold secrets
    )
    app.callback()(pgvend)
    return app


def main() -> None:
    try:
        _run(create_app())
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # for Python's flush at the exit
        print(f"pgvend: cannot write its output ({error.strerror}).", file=sys.stderr)
        sys.exit(ExitStatus.OTHER)


def _run(app: typer.Typer) -> None:
    """Run the command, and flush: at the exit, Python prints a traceback if the disk is full."""
    try:
        app()
    finally:
        if sys.stdout:  # None if it is closed
            sys.stdout.flush()


def pgvend(
    context: typer.Context,
    url: Url = None,
    key: Key = None,
    profile: ProfileName = None,
    version: Version = False,
) -> None:
    """Create PostgreSQL databases by nickname, with working credentials.

    Commands that call a service find its address and your key in the options below, in PGVEND_URL
    and PGVEND_KEY (of the environment or .env), or in ~/.config/pgvend/config.toml.
    """
    given = [f"--{name}" for name in ("url", "key", "profile") if context.params[name] is not None]
    if given and context.invoked_subcommand in WITHOUT_SERVICE:
        raise typer.BadParameter(
            f"{given[0]} is for commands of callers; {context.invoked_subcommand} reads "
            "the settings of the service itself."
        )
    choose_options(url, key, profile)


def _load_command(name: str) -> Any:
    file, _, function_name = COMMANDS[name].partition(".")
    function = getattr(import_module(f"entrypoints.cli.{file}"), function_name)
    app = typer.Typer()
    if name in GROUPS:
        app.add_typer(function(), name=name)
    else:
        app.command(name)(function)
    command: Any = get_group(app).commands[name]
    for each in (command, *getattr(command, "commands", {}).values()):
        _adjust(each)
    return command


def _adjust(command: Any) -> None:
    """Skip needless checks, and join the lines of the help, which Typer would print as they are."""
    skip_checks(command)
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
