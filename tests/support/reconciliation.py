"""Reconciliations of an application under test."""

from typing import Any

from tests.support.apps import RunningApp


async def reconcile(app: RunningApp, *, dry_run: bool = False) -> list[dict[str, str]]:
    """Reconcile, and return the results."""
    answer = await app.ask("POST", "/v1/reconciliations", {"dry_run": dry_run})
    assert answer.status == 200, answer.body
    return list(answer.body["results"])


async def reconcile_all(app: RunningApp) -> list[tuple[str, str]]:
    """Reconcile, and return each action with its id; all must succeed."""
    findings = await reconcile(app)
    assert {found["outcome"] for found in findings} <= {"done"}, findings
    return [(found["action"], found["id"]) for found in findings]


async def create_expired(app: RunningApp) -> Any:
    """Create a database, and return it after it has expired."""
    database = await app.create_database(ttl="1h")
    app.clock.passed += 3600
    assert await reconcile_all(app) == [("expire", database["id"])]
    return database
