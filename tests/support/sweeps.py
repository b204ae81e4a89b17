"""Sweeps of an application under test."""

from typing import Any

from tests.support.apps import RunningApp


async def swept(app: RunningApp, *, dry_run: bool = False) -> list[dict[str, str]]:
    """What a sweep tells."""
    answer = await app.ask("POST", "/v1/reconciliations", {"dry_run": dry_run})
    assert answer.status == 200, answer.body
    return list(answer.body["results"])


async def done(app: RunningApp) -> list[tuple[str, str]]:
    """What a sweep did and to which id, where it did all that it found."""
    findings = await swept(app)
    assert {found["outcome"] for found in findings} <= {"done"}, findings
    return [(found["action"], found["id"]) for found in findings]


async def expired(app: RunningApp) -> Any:
    """A database whose time is over, as a sweep has seen."""
    database = await app.vend(ttl="1h")
    app.clock.passed += 3600
    assert await done(app) == [("expire", database["id"])]
    return database
