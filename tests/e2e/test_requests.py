"""Request ids, HEAD and unsupported methods, unknown paths, and health checks."""

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from entrypoints.background.spare_loop import INTERVAL
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.outage import Outage, create_unreachable_stores
from tests.support.provider_faults import fail_at


@pytest.mark.parametrize("path", ["/livez", "/v1/databases", "/nowhere"])
async def test_a_request_id_is_the_callers_or_a_new_one(app: RunningApp, path: str) -> None:
    answer = await app.ask("GET", path, headers={"X-Request-ID": "trace-4711_a.b"})
    others = {(await app.ask("GET", path)).headers["X-Request-ID"] for _ in range(3)}
    assert answer.headers["X-Request-ID"] == "trace-4711_a.b"
    assert len(others - {""}) == 3


@pytest.mark.parametrize("garbage", ["", "two words", "a" * 65, 'a"b', "é", "<script>", "a;b"])
async def test_an_invalid_request_id_is_replaced(app: RunningApp, garbage: str) -> None:
    answer = await app.ask("GET", "/nowhere", headers={"X-Request-ID": garbage})
    problem = check_problem(answer, 404, "not_found")
    assert problem["request_id"] != garbage
    assert problem["request_id"].isalnum()


ONE = "/v1/databases/{id}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 200) for path in ("/livez", "/readyz", "/api/test", "/v1/databases")),
        *((f"{ONE}{of}", 200) for of in ("", "/connection", "/events")),
        ("/v1/databases/db_nobody", 404),
    ],
)
async def test_head_is_get_without_the_body(app: RunningApp, path: str, status: int) -> None:
    path = path.format(id=(await app.create_database())["id"])

    async with app.client.get(path) as get, app.client.head(path) as head:
        await get.read()
        assert head.status == get.status == status
        assert head.content_type == get.content_type
        assert head.headers.get("ETag") == get.headers.get("ETag")
        assert await head.read() == b""
    assert await app.get("/livez") == {"status": "ok"}, "a body would be taken for this answer"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/databases", {"DELETE", "GET", "HEAD", "OPTIONS", "POST"}),
        ("/v1/databases/db_x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/v1/databases/db_x/connection", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/databases/db_x/events", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/databases/db_x/rotate", {"OPTIONS", "POST"}),
        ("/v1/databases/db_x/restore", {"OPTIONS", "POST"}),
        ("/v1/reconciliations", {"OPTIONS", "POST"}),
        ("/api/create-neon-db", {"OPTIONS", "POST"}),
        ("/livez", {"GET", "HEAD", "OPTIONS"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "TRACE"])
async def test_an_unsupported_method_is_answered_with_the_allowed_ones(
    app: RunningApp, method: str, path: str, allowed: set[str]
) -> None:
    answer = await app.ask(method, path)
    assert method in check_problem(answer, 405, "method_not_allowed")["detail"]
    assert set(answer.headers["Allow"].split(",")) == allowed


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/databases/", "/v1/databases/a/b", "/../etc/passwd", "/%00", "/é"]
)
async def test_an_unknown_path_is_not_found(app: RunningApp, path: str) -> None:
    check_problem(await app.ask("GET", path), 404, "not_found")


async def test_readiness_shows_who_has_access() -> None:
    async with running_app(admin_key="a-key-of-the-operators") as app:
        assert (await app.get("/readyz"))["access"] == "keys"
    async with running_app(insecure=True) as app:
        assert (await app.get("/readyz"))["access"] == "insecure"


@pytest.mark.parametrize(
    ("away", "checks"),
    [
        ("neither", {"registry": "ok", "provider": "ok"}),
        ("provider", {"registry": "ok", "provider": "provider_busy"}),
        ("records", {"registry": "unavailable", "provider": "ok"}),
    ],
)
async def test_readiness_reports_the_failed_part_at_once_and_liveness_stays_ok(
    away: str, checks: dict[str, str]
) -> None:
    down = fail_at("ping" if away == "provider" else "never", ProviderBusy)
    records = create_unreachable_stores(Outage(is_on=away == "records"))
    async with running_app(MemoryProvider(fault_hook=down), records=records) as app:
        ready = await app.ask("GET", "/readyz")

        # the loop of the spares waits for its next time, without a request
        assert set(app.clock.slept) <= {INTERVAL}, "health checks must not wait for retries"
        status, word = (200, "ok") if away == "neither" else (503, "unavailable")
        assert ready.status == status
        assert ready.body == {"status": word, "checks": checks, "access": "open"}
        assert await app.get("/livez") == {"status": "ok"}
