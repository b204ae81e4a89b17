"""Failures of the provider or the registry: the answer, and that nothing is left behind."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderFull, ProviderRejected
from tests.support.apps import check_problem, running_app
from tests.support.idempotent_requests import LEGACY, REQUEST_BODIES
from tests.support.outage import Outage, create_unreachable_stores
from tests.support.provider_faults import fail_at

SECRET_WORDS = "connection to 10.0.0.5 refused for admin:hunter2"


@pytest.fixture(params=REQUEST_BODIES)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("error", "status", "code", "after"),
    [
        (ProviderBusy, 503, "provider_busy", r"[1-9]\d*"),
        (lambda: ProviderBusy(retry_after=29.2), 503, "provider_busy", "30"),
        (OutcomeUnknown, 503, "outcome_unknown", r"[1-9]\d*"),
        (ProviderFull, 503, "provider_full", r"[1-9]\d*"),
        (ProviderRejected, 502, "provider_rejected", "None"),
    ],
)
async def test_a_failed_provider_is_retryable_unless_it_rejects(
    path: str, error: Callable[[], Exception], status: int, code: str, after: str
) -> None:
    async with _app_with_trouble(fail_at("during provision", error)) as app:
        answer = await app.ask("POST", path, REQUEST_BODIES[path])
        assert check_problem(answer, status, code)["retryable"] is (status == 503)
        assert re.fullmatch(after, str(answer.headers.get("Retry-After")))
        assert await app.is_empty()


async def test_short_failures_of_a_provider_are_retried(path: str) -> None:
    async with _app_with_trouble(fail_at("before provision", ProviderBusy, times=3)) as app:
        assert (await app.ask("POST", path, REQUEST_BODIES[path])).status in {200, 201}
        assert len(await app.provider.inventory()) == 1


@pytest.mark.parametrize("moment", ["before provision", "during provision", "after provision"])
async def test_a_crash_shows_only_the_request_id(path: str, moment: str) -> None:
    crash = fail_at(moment, lambda: RuntimeError(SECRET_WORDS))
    async with _app_with_trouble(crash) as app:
        with capture_logs() as logged:
            answer = await app.ask("POST", path, REQUEST_BODIES[path])

        check_problem(answer, 500, "internal_error")
        assert not [word for word in SECRET_WORDS.split() if word in str(answer.body)]
        assert [event for event in logged if event["event"] == "http.crashed" and event["exc_info"]]
        assert await app.is_empty()


CREATE_BODY = {"nickname": "n"}
ONE = "/v1/databases/{id}"

REQUESTS: dict[str, tuple[str, str, Any, dict[str, str]]] = {
    "create": ("POST", "/v1/databases", CREATE_BODY, {}),
    "create by key": ("POST", "/v1/databases", CREATE_BODY, {"Idempotency-Key": "k"}),
    "create async": ("POST", "/v1/databases", CREATE_BODY, {"Prefer": "respond-async"}),
    "legacy": ("POST", LEGACY, REQUEST_BODIES[LEGACY], {}),
    "list": ("GET", "/v1/databases", None, {}),
    "show": ("GET", ONE, None, {}),
    "connection": ("GET", f"{ONE}/connection", None, {}),
    "events": ("GET", f"{ONE}/events", None, {}),
    "change": ("PATCH", ONE, {"ttl": "1h"}, {}),
    "rotate": ("POST", f"{ONE}/rotate", None, {}),
    "restore": ("POST", f"{ONE}/restore", None, {}),
    "delete": ("DELETE", ONE, None, {}),
    "reconcile": ("POST", "/v1/reconciliations", None, {}),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_is_retryable_during_an_outage_of_the_registry(name: str) -> None:
    method, path, body, headers = REQUESTS[name]
    outage = Outage()
    async with running_app(records=create_unreachable_stores(outage)) as app:
        database = await app.create_database("there")
        outage.is_on = True

        with capture_logs() as logged:
            answer = await app.ask(method, path.format(id=database["id"]), body, headers)

        assert check_problem(answer, 503, "unavailable")["retryable"] is True
        assert int(answer.headers["Retry-After"]) > 0
        assert not [event for event in logged if event["log_level"] == "error"], (
            "an outage is not a crash"
        )
        outage.is_on = False
        assert [one["id"] for one in await app.list_live()] == [database["id"]]
        assert app.accepts(database["connection"])
        assert (await app.create_database("next"))["state"] == "ready"


def _app_with_trouble(fault_hook: Any) -> Any:
    return running_app(MemoryProvider(fault_hook=fault_hook))
