"""The emulator of `pgvend neon-emulator`: its options and its settings for .env."""

import sys
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from domain.errors import StartupError
from entrypoints.config.logging import configure_logging
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.runner import serve
from entrypoints.neon_emulator.state.emulator import Emulator


def run_emulator(port: int, usual: Mapping[str, object], knobs: Sequence[str]) -> None:
    """Serve until SIGINT or SIGTERM. `knobs` override the `usual` options. Raises StartupError."""
    behaviour = _parse_behaviour(usual, knobs)
    configure_logging("info", terminal=sys.stderr.isatty())
    serve(port, behaviour, _print_settings)


def _parse_behaviour(usual: Mapping[str, object], knobs: Sequence[str]) -> Behaviour:
    pairs = [knob.partition("=") for knob in knobs]
    try:
        return Behaviour.model_validate({**usual, **{name: value for name, _, value in pairs}})
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
