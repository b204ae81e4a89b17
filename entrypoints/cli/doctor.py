"""`pgvend doctor`."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import typer

from domain.checkup import Check, Mend, has_failed
from domain.text import is_plain
from entrypoints.cli.asking import explained
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table
from entrypoints.doctor_parts import doctor_of
from entrypoints.settings_loading import load_settings

HEADS = ("verdict", "check", "detail")

BY_SUPERUSER = "To mend, run as a superuser:"
BY_ADMIN = "To mend, run as the admin:"


def doctor(as_json: AsJson = False) -> None:
    """Look at what the settings lead to before it is used, and print what to mend as SQL.

    Changes nothing, and asks no service. The status is 1 when something failed.
    """
    with explained():
        checks = asyncio.run(doctor_of(load_settings())())
        if as_json:
            print_json(_told(checks))
        else:
            _print(checks)
    if has_failed(checks):
        raise typer.Exit(1)


def _print(checks: Sequence[Check]) -> None:
    print_table(HEADS, [_row(check) for check in checks])
    for head, by_admin in ((BY_SUPERUSER, False), (BY_ADMIN, True)):
        if lines := list(_script(checks, by_admin)):
            print(f"\n{head}\n", *lines, sep="\n")


def _script(checks: Sequence[Check], by_admin: bool) -> Iterator[str]:
    """As psql takes it."""
    for check in checks:
        mends = [mend for mend in check.outcome.mends if mend.by_admin is by_admin]
        if mends:
            yield f"-- {check.name}"
        if len(safe := [mend for mend in mends if _is_sql_alone(mend)]) < len(mends):
            yield "-- left out: a database or role whose name holds control characters"
        for database, there in groupby(safe, key=lambda mend: mend.database):
            if database is not None:
                yield f"\\connect {_quoted(database)}"
            yield from (mend.statement for mend in there)


def _is_sql_alone(mend: Mend) -> bool:
    """Tell whether psql reads the statement as SQL alone. After a line break, a command of psql's
    own could follow, such as one that runs a program."""
    return is_plain(mend.statement) and is_plain(mend.database or "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(check: Check) -> dict[str, str]:
    outcome = check.outcome
    return {"verdict": outcome.verdict, "check": check.name, "detail": outcome.detail}


def _told(checks: Sequence[Check]) -> dict[str, Any]:
    told = [
        {
            "name": check.name,
            "verdict": check.outcome.verdict,
            "detail": check.outcome.detail,
            "mend": [_mend(mend) for mend in check.outcome.mends],
        }
        for check in checks
    ]
    return {"ok": not has_failed(checks), "checks": told}


def _mend(mend: Mend) -> dict[str, Any]:
    return {
        "statement": mend.statement,
        "database": mend.database,
        "run_as": "admin" if mend.by_admin else "superuser",
    }
