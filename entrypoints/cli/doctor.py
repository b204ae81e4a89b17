"""`pgvend doctor`."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import typer

from domain.doctor import DoctorCheck, Fix, comment, has_failed
from domain.text import is_plain
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("verdict", "check", "detail")

BY_SUPERUSER = "Run this SQL as a superuser to fix it:"
FOR_OTHERS = (
    "This changes what is not only pgvend's. Agree with those who use it, then remove the hyphens:"
)
BY_ADMIN = "Run this SQL as the admin to fix it:"


def doctor(as_json: AsJson = False) -> None:
    """Check the configuration and the server, and print SQL fixes.

    Changes nothing and needs no running service. Exits with status 1 if a check fails.
    """
    with report_errors():
        checks = _run_checks()
        if as_json:
            print_json(_to_json(checks))
        else:
            _print(checks)
    if has_failed(checks):
        raise typer.Exit(1)


def _run_checks() -> Sequence[DoctorCheck]:
    from entrypoints.config.loading import load_settings  # noqa: PLC0415 - for `pgvend --help`
    from entrypoints.wiring.doctor import create_doctor  # noqa: PLC0415 - for `pgvend --help`

    return asyncio.run(create_doctor(load_settings())())


def _print(checks: Sequence[DoctorCheck]) -> None:
    print_table(HEADS, [_format_row(check) for check in checks])
    for head, by_admin in ((BY_SUPERUSER, False), (BY_ADMIN, True)):
        if lines := list(_write_script(checks, by_admin)):
            print(f"\n{head}\n", *lines, sep="\n")


def _write_script(checks: Sequence[DoctorCheck], by_admin: bool) -> Iterator[str]:
    """Yield the fixes as a script for psql."""
    for check in checks:
        fixes = [fix for fix in check.outcome.fixes if fix.by_admin is by_admin]
        if fixes:
            yield comment(check.name)
        if len(safe := [fix for fix in fixes if _is_plain_sql(fix)]) < len(fixes):
            yield comment("left out: a database or role whose name holds control characters")
        yield from _write_lines([fix for fix in safe if not fix.affects_others])
        if others := [fix for fix in safe if fix.affects_others]:
            yield comment(FOR_OTHERS)
            yield from map(comment, _write_lines(others))


def _write_lines(fixes: Sequence[Fix]) -> Iterator[str]:
    for database, group in groupby(fixes, key=lambda fix: fix.database):
        if database is not None:
            yield f"\\connect {_quote(database)}"
        yield from (fix.statement for fix in group)


def _is_plain_sql(fix: Fix) -> bool:
    """Return whether psql reads nothing but SQL. After a line break, a psql command could follow,
    such as one that runs a program."""
    return is_plain(fix.statement) and is_plain(fix.database or "")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _format_row(check: DoctorCheck) -> dict[str, str]:
    outcome = check.outcome
    return {"verdict": outcome.verdict, "check": check.name, "detail": outcome.detail}


def _to_json(checks: Sequence[DoctorCheck]) -> dict[str, Any]:
    members = [
        {
            "name": check.name,
            "verdict": check.outcome.verdict,
            "detail": check.outcome.detail,
            "fixes": [_fix_to_json(fix) for fix in check.outcome.fixes],
        }
        for check in checks
    ]
    return {"ok": not has_failed(checks), "checks": members}


def _fix_to_json(fix: Fix) -> dict[str, Any]:
    return {
        "statement": fix.line,
        "database": fix.database,
        "affects_others": fix.affects_others,
        "run_as": "admin" if fix.by_admin else "superuser",
    }
