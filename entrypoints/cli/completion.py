"""Completion of names in a shell. Errors are not printed: they would appear in the command line."""

import re
from collections.abc import Mapping
from typing import Any

import typer

from domain.text import escape_unprintable

TIMEOUT = 2.0
"""Seconds to wait for the service."""

MAX_ITEMS = "200"

_WORD = re.compile(r"\w[\w.-]*")
"""A name that a shell reads as one word. Another one, inserted as it is, could be a command."""


def complete_database(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the names of databases, each with its nickname."""
    databases = _fetch_items(context, "databases")
    return _choose(databases, incomplete, name="database", description="nickname")


def complete_template(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the names of templates, each with its id."""
    templates = _fetch_items(context, "templates")
    return _choose(templates, incomplete, name="name", description="id")


def complete_profile() -> list[str]:
    """Return the names of the profiles."""
    from domain.errors import StartupError  # noqa: PLC0415 - only to complete
    from entrypoints.config.profiles import list_profile_names  # noqa: PLC0415 - the same

    try:
        return list_profile_names()
    except StartupError:
        return []


def _choose(
    items: list[Mapping[str, Any]], incomplete: str, *, name: str, description: str
) -> list[tuple[str, str]]:
    return [
        (word, escape_unprintable(str(item.get(description, ""))))
        for item in items
        if _WORD.fullmatch(word := str(item.get(name, ""))) and word.startswith(incomplete)
    ]


def _fetch_items(context: typer.Context, path: str) -> list[Mapping[str, Any]]:
    """Return the first page of the list; nothing if the service does not answer it."""
    from entrypoints.cli.client import fetch  # noqa: PLC0415 - only to complete
    from entrypoints.cli.errors import RequestError  # noqa: PLC0415 - the same
    from entrypoints.cli.global_options import choose_options  # noqa: PLC0415 - the same

    given = context.find_root().params
    choose_options(given.get("url"), given.get("key"), given.get("profile"))
    try:
        answer = fetch("GET", "v1", path, query=[("page_size", MAX_ITEMS)], timeout=TIMEOUT)
    except RequestError:
        return []
    items = answer.body.get(path)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
