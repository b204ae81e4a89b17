"""`pgvend neon-emulator`."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from domain.errors import StartupError
from domain.text import escape_unprintable_lines
from entrypoints.config.logging import configure_logging
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.runner import serve
from entrypoints.neon_emulator.state.emulator import Emulator

Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any free one.")
]
OperationMs = Annotated[int, typer.Option(min=0, help="The minimum duration of an operation.")]
StorePasswords = Annotated[bool, typer.Option(help="Whether the API can reveal passwords.")]
Knobs = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set any option: NAME=VALUE, such as idle=true; can be repeated."),
]


def neon_emulator(
    port: Port = 8010,
    operation_ms: OperationMs = 50,
    store_passwords: StorePasswords = True,
    knobs: Knobs = None,
) -> None:
    """Serve an emulation of Neon's API over PostgreSQL on this machine.

    Prints settings for .env. All its databases are lost when it stops.
    """
    try:
        behaviour = _parse_behaviour(operation_ms, store_passwords, knobs or [])
        configure_logging("info", terminal=sys.stderr.isatty())
        serve(port, behaviour, _print_settings)
    except StartupError as error:
        print(f"pgvend: {escape_unprintable_lines(str(error))}", file=sys.stderr)
        raise typer.Exit(1) from None


def _parse_behaviour(operation_ms: int, store_passwords: bool, knobs: list[str]) -> Behaviour:
    usual = {"operation_seconds": operation_ms / 1000, "store_passwords": store_passwords}
    pairs = [knob.partition("=") for knob in knobs]
    try:
        return Behaviour.model_validate(usual | {name: value for name, _, value in pairs})
    except ValidationError as error:
        first = error.errors()[0]
        knob, all_knobs = first["loc"][0], ", ".join(Behaviour.model_fields)
        raise StartupError(f"--set {knob}: {first['msg']}; the options are {all_knobs}.") from None


def _print_settings(emulator: Emulator, url: str) -> None:
    print(
        f"# Neon's API, emulated until you stop it. Put this into .env and run `pgvend serve`.\n"
        f"NEON_API_URL={url}\n"
        f"NEON_PROJECT_ID={emulator.first.id}\n"
        f"NEON_BRANCH_ID={emulator.first.branch.id}\n"
        f"NEON_HOST={emulator.host}\n"
        f"NEON_API_KEY={emulator.key}",
        flush=True,
    )
