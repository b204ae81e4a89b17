"""Options of all commands that call a service: its address, the key, or a profile of both."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated

import typer

from entrypoints.cli.completion import complete_profile

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The service's address.", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Your API key. Other users of this machine can see it: PGVEND_KEY is safer.",
    ),
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="The profile of ~/.config/pgvend/config.toml.",
        autocompletion=complete_profile,
    ),
]

GLOBAL_OPTIONS = ("--url", "--key", "--profile")


def _print_version(is_asked_for: bool) -> None:
    from importlib.metadata import version  # noqa: PLC0415 - it loads slowly

    if is_asked_for:
        print(f"pgvend {version('pgvend')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


def choose_options(url: str | None, key: str | None, profile: str | None) -> None:
    """Use these options for the requests that follow."""
    from domain.secrets import Secret  # noqa: PLC0415 - `pgvend --help` loads this file
    from entrypoints.cli.client import use_options  # noqa: PLC0415 - the same
    from entrypoints.config.client import ClientOptions  # noqa: PLC0415 - the same

    use_options(ClientOptions(url, None if key is None else Secret(key), profile))


def is_json_asked_for(arguments: Sequence[str]) -> bool:
    return "--json" in _take_options(arguments)


def move_global_options(arguments: Sequence[str]) -> list[str]:
    """Move the options that are written after the command before it, where Typer expects them."""
    moved: list[str] = []
    kept: list[str] = []
    words = _take_options(arguments)
    for word in words:
        if word in GLOBAL_OPTIONS:
            moved += [word, *islice(words, 1)]
        else:
            (moved if word.startswith(_WITH_VALUE) else kept).append(word)
    return [*moved, *kept, *arguments[len(moved) + len(kept) :]]


_WITH_VALUE = tuple(f"{option}=" for option in GLOBAL_OPTIONS)


def _take_options(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments before `--`, after which nothing is an option."""
    for word in arguments:
        if word == "--":
            return
        yield word
