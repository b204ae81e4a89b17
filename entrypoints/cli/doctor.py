"""`pgvend doctor`."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import typer

from domain.doctor import Check, Mend, has_failed
from domain.text import is_plain
from entrypoints.cli.client import explained
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table
from entrypoints.config.loading import load_settings
from entrypoints.wiring.doctor import create_doctor

HEADS = ("verdict", "check", "detail")

BY_SUPERUSER = "Run this SQL as a superuser to fix it:"
BY_ADMIN = "Run this SQL as the admin to fix it:"


def doctor(as_json: AsJson = False) -> None:
    """Check the configuration and the server, and print SQL fixes.

    Changes nothing and needs no running service. Exits with status 1 if a check fails.
    """
    with explained():
        checks = asyncio.run(create_doctor(load_settings())())
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
    """Yield the fixes as a script for psql."""
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
    """Return whether psql reads nothing but SQL. After a line break, a psql command could follow,
    such as one that runs a program."""
    return is_plain(mend.statement) and is_plain(mend.database or "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(check: Check) -> dict[str, str]:
    outcome = check.outcome
    return {"verdict": outcome.verdict, "check": check.name, "detail": outcome.detail}


def _told(checks: Sequence[Check]) -> dict[str, Any]:
    members = [
        {
            "name": check.name,
            "verdict": check.outcome.verdict,
            "detail": check.outcome.detail,
            "fixes": [_mend(mend) for mend in check.outcome.mends],
        }
        for check in checks
    ]
    return {"ok": not has_failed(checks), "checks": members}


def _mend(mend: Mend) -> dict[str, Any]:
    return {
        "statement": mend.statement,
        "database": mend.database,
        "run_as": "admin" if mend.by_admin else "superuser",
    }
