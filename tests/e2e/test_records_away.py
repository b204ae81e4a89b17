"""Records that cannot be reached for a while: 503, nothing half made, and then all as before."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.away import Outage, records_with

ORDER = {"nickname": "n"}

REQUESTS = {
    "create": ("POST", "/v1/databases", ORDER, {}),
    "create by key": ("POST", "/v1/databases", ORDER, {"Idempotency-Key": "k"}),
    "promise": ("POST", "/v1/databases", ORDER, {"Prefer": "respond-async"}),
    "legacy": ("POST", "/api/create-neon-db", {"project": {"name": "n"}}, {}),
    "list": ("GET", "/v1/databases", None, {}),
    "show": ("GET", "/v1/databases/{id}", None, {}),
    "connection": ("GET", "/v1/databases/{id}/connection", None, {}),
    "events": ("GET", "/v1/databases/{id}/events", None, {}),
    "change": ("PATCH", "/v1/databases/{id}", {"ttl": "1h"}, {}),
    "rotate": ("POST", "/v1/databases/{id}/rotate", None, {}),
    "restore": ("POST", "/v1/databases/{id}/restore", None, {}),
    "delete": ("DELETE", "/v1/databases/{id}", None, {}),
    "sweep": ("POST", "/v1/sweep", None, {}),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_is_answered_with_when_to_come_back(name: str) -> None:
    method, path, body, headers = REQUESTS[name]
    outage = Outage()
    async with running_app(records=records_with(outage)) as app:
        database = await app.vend("there")
        outage.is_on = True

        with capture_logs() as logged:
            answer = await app.ask(method, path.format(id=database["id"]), body, headers)

        assert not [event for event in logged if event["log_level"] == "error"], "it is no crash"
        assert problem_in(answer, 503, "unavailable")["retryable"] is True
        assert int(answer.headers["Retry-After"]) > 0
        outage.is_on = False
        assert await _is_as_before(app, database)


async def test_it_is_alive_and_says_what_is_away() -> None:
    outage = Outage(is_on=True)
    async with running_app(records=records_with(outage)) as app:
        assert await app.get("/livez") == {"status": "ok"}
        ready = await app.ask("GET", "/readyz")

        assert ready.status == 503
        assert ready.body == {
            "status": "unavailable",
            "checks": {"registry": "unavailable", "provider": "ok"},
            "access": "open",
        }
        outage.is_on = False
        assert (await app.get("/readyz"))["status"] == "ok"


async def _is_as_before(app: RunningApp, database: Any) -> bool:
    """The one database that there was is there and works, and the next one can be made."""
    assert [one["id"] for one in await app.live()] == [database["id"]]
    assert app.accepts(database["connection"])
    return bool((await app.vend("next"))["state"] == "ready")
