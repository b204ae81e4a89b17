"""The emulator of `pgvend neon-emulator`: its options and its settings for .env."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from domain.errors import StartupError
from entrypoints.config.env_file import write_settings
from entrypoints.config.logging import configure_logging
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.runner import serve
from entrypoints.neon_emulator.state.emulator import Emulator


def run_emulator(
    port: int, usual: Mapping[str, object], knobs: Sequence[str], env_file: Path | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. `knobs` override the `usual` options. When the API is ready,
    print its settings, and write them to `env_file` if there is one. Raises StartupError."""
    behaviour = _parse_behaviour(usual, knobs)
    configure_logging("info", terminal=sys.stderr.isatty())

    def announce(emulator: Emulator, url: str) -> None:
        settings = _list_settings(emulator, url)
        if env_file:
            write_settings(env_file, settings)
        _print_settings(settings)

    serve(port, behaviour, announce)


def _parse_behaviour(usual: Mapping[str, object], knobs: Sequence[str]) -> Behaviour:
    pairs = [knob.partition("=") for knob in knobs]
    try:
        return Behaviour.model_validate({**usual, **{name: value for name, _, value in pairs}})
    except ValidationError as error:
        first = error.errors()[0]
        knob, all_knobs = first["loc"][0], ", ".join(Behaviour.model_fields)
        raise StartupError(f"--set {knob}: {first['msg']}; the options are {all_knobs}.") from None


def _list_settings(emulator: Emulator, url: str) -> Mapping[str, str]:
    return {
        "NEON_API_URL": url,
        "NEON_PROJECT_ID": emulator.first.id,
        "NEON_BRANCH_ID": emulator.first.branch.id,
        "NEON_HOST": emulator.host,
        "NEON_API_KEY": emulator.key,
    }


def _print_settings(settings: Mapping[str, str]) -> None:
    print(
        "# Neon's API, emulated until you stop it. Put this into .env and run `pgvend serve`.",
        *(f"{name}={value}" for name, value in settings.items()),
        sep="\n",
        flush=True,
    )
