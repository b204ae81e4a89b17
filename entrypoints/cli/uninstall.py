"""`pgvend uninstall`."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_line, print_table
from entrypoints.cli.units import format_size

if TYPE_CHECKING:
    from ports.driven.installed_part import InstalledItem
    from ports.use_cases.uninstall import Uninstall

HEADS = ("place", "contents", "size", "action")

NOTHING_REMOVED = "Nothing was removed."

Data = Annotated[
    bool, typer.Option("--data", help="Remove it: all databases in the data folder, and the rest.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
KeepShared = Annotated[
    bool,
    typer.Option(
        "--keep-shared",
        help="Keep the system user and the programs, which other data folders use too.",
    ),
]


def uninstall(
    data: Data = False, yes: Yes = False, keep_shared: KeepShared = False, as_json: AsJson = False
) -> None:
    """Remove the service's data from this machine.

    Without --data, only list what would be removed and what stays. With it, ask first, remove the
    data folder (PGVEND_DATA_DIR) and, as root, the system user and the copy of PostgreSQL's
    programs that a service of root's left. Stop the service first.
    """
    with report_errors():
        remover = _create_uninstall(keeps_shared=keep_shared)
        if not data:
            _preview(remover.list_items(), as_json=as_json)
            return
        with remover.hold():
            items = remover.list_items()
            if not yes:
                _confirm(items)
            remover.remove()
        _print(items, "removed", as_json=as_json)


def _create_uninstall(*, keeps_shared: bool) -> "Uninstall":
    from entrypoints.config.loading import load_settings  # noqa: PLC0415 - for `pgvend --help`
    from entrypoints.wiring.uninstall import create_uninstall  # noqa: PLC0415 - for `pgvend --help`

    return create_uninstall(load_settings(), keeps_shared=keeps_shared)


def _preview(items: Sequence["InstalledItem"], *, as_json: bool) -> None:
    _print(items, "would be removed", as_json=as_json)
    if not as_json:
        is_needed = any(not item.kept for item in items)
        hint = " `pgvend uninstall --data` removes it." if is_needed else ""
        print_line(f"{NOTHING_REMOVED}{hint}")


def _confirm(items: Sequence["InstalledItem"]) -> None:
    """Raises RequestError if the user does not agree, or cannot be asked."""
    if not sys.stdin.isatty():
        raise RequestError(
            f"{NOTHING_REMOVED} Use --yes to remove it without a question.", ExitStatus.USAGE
        )
    print_table(HEADS, [_format_row(item, "remove") for item in items], file=sys.stderr)
    try:
        is_agreed = typer.confirm("Remove this, with all data?", err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise RequestError(NOTHING_REMOVED, ExitStatus.INTERRUPTED) from None
    if not is_agreed:
        raise RequestError(NOTHING_REMOVED)


def _print(items: Sequence["InstalledItem"], action: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"items": [_to_json(item, action) for item in items]})
    else:
        print_table(HEADS, [_format_row(item, action) for item in items])


def _format_row(item: "InstalledItem", action: str) -> Mapping[str, str]:
    return {
        "place": item.place,
        "contents": item.contents,
        "size": format_size(item.size),
        "action": f"stays: {item.kept}" if item.kept else action,
    }


def _to_json(item: "InstalledItem", action: str) -> Mapping[str, Any]:
    return {
        "place": item.place,
        "contents": item.contents,
        "size": item.size,
        "action": "stays" if item.kept else action,
        "reason": item.kept or None,
    }
