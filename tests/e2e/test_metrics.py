"""`/metrics`: what is counted, by which labels, and that nothing waits for a server."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, running_app
from tests.support.doubles import HoldAt
from tests.support.event_stream import open_stream
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp
from tests.support.metrics import Series, parse_metrics
from tests.support.polling import wait_until
from tests.support.service import running_service

REQUESTS = "pgvend_http_requests_total"
COUNTS = "pgvend_http_request_duration_seconds_count"
BY_ID = "route=/v1/databases/{id}"


async def scrape(app: RunningApp) -> Mapping[Series, float]:
    answer = await app.ask("GET", "/metrics")
    assert answer.status == 200
    return parse_metrics(answer.body)


async def list_series(app: RunningApp, *names: str) -> set[Series]:
    return {series for series in await scrape(app) if series[0] in names}


async def test_requests_are_counted_by_method_route_and_status(app: RunningApp) -> None:
    database = await app.create_database()
    await app.ask("GET", f"/v1/databases/{database['id']}")
    await app.ask("GET", "/v1/databases/other")
    await app.ask("DELETE", f"/v1/databases/{database['id']}")

    metrics = await scrape(app)

    assert metrics[REQUESTS, "method=POST", "route=/v1/databases", "status=201"] == 1
    assert metrics[REQUESTS, "method=GET", BY_ID, "status=200"] == 1
    assert metrics[REQUESTS, "method=GET", BY_ID, "status=404"] == 1
    assert metrics[REQUESTS, "method=DELETE", BY_ID, "status=202"] == 1
    assert metrics[COUNTS, BY_ID] == 3


async def test_callers_choose_no_label(app: RunningApp) -> None:
    """Every value of a label is a time series, in the memory of pgvend and of Prometheus."""
    before = await list_series(app, REQUESTS, COUNTS)
    for number, method in enumerate(("PROPFIND", "LOCK", "MKCOL")):
        await app.ask("GET", f"/no/such/page/{number}")
        await app.ask(method, f"/v1/databases/{number}")
        await app.ask("GET", f"/v1/databases/{number}?name={number}")

    added = await list_series(app, REQUESTS, COUNTS) - before

    assert {each for each in added if "route=/metrics" not in each} == {
        (REQUESTS, "method=GET", "route=unknown", "status=404"),
        (REQUESTS, "method=unknown", "route=unknown", "status=405"),
        (REQUESTS, "method=GET", BY_ID, "status=422"),
        (COUNTS, "route=unknown"),
        (COUNTS, BY_ID),
    }


async def test_nothing_of_a_database_or_a_caller_is_shown(guarded: KeyedApp) -> None:
    client = await guarded.create_client("confidential-caller")
    database = await client.create_database("confidential nickname")
    await client.ask("GET", f"/v1/databases/{database['id']}")
    await guarded.admin.ask("GET", "/metrics")

    text = (await guarded.admin.ask("GET", "/metrics")).body

    assert "pgvend_creations_total" in text
    assert "confidential" not in text
    assert database["id"] not in text
    assert client.key not in text
    assert client.id not in text


async def test_a_stream_of_events_has_no_duration(app: RunningApp) -> None:
    database = await app.create_database()
    async with open_stream(app, f"/v1/databases/{database['id']}") as stream:
        await stream.read_all()

    metrics = await scrape(app)

    route = "route=/v1/databases/{id}/events"
    assert metrics[REQUESTS, "method=GET", route, "status=200"] == 1
    assert (COUNTS, route) not in metrics


async def test_a_scrape_waits_for_no_server_and_shows_its_answer_later() -> None:
    hold = HoldAt("ping")
    async with running_app(MemoryProvider(fault_hook=hold)) as app:
        first = await scrape(app)
        assert first["pgvend_creations_running",] == 0
        assert ("pgvend_part_up", "part=provider") not in first
        await hold.wait_until_held()
        assert ("pgvend_part_up", "part=provider") not in await scrape(app)

        hold.let_go.set()

        await wait_until(lambda: is_sampled(app))
        metrics = await scrape(app)
        assert metrics["pgvend_part_up", "part=provider"] == 1
        assert metrics["pgvend_databases", "state=ready"] == 0


async def is_sampled(app: RunningApp) -> bool:
    return ("pgvend_sample_timestamp_seconds",) in await scrape(app)


async def test_the_pool_is_shown() -> None:
    async with running_app(spare_counts={"default": 2}) as app:
        await wait_until(lambda: is_sampled(app))

        async def is_full() -> bool:
            app.clock.passed += 60
            return (await scrape(app)).get(("pgvend_spares_ready", "template=default")) == 2

        await wait_until(is_full)
        await app.create_database()
        metrics = await scrape(app)
        assert metrics["pgvend_spares_wanted", "template=default"] == 2
        assert metrics["pgvend_creations_total", "outcome=done", "path=pooled"] == 1


async def test_the_format_is_that_of_the_accept_header(app: RunningApp) -> None:
    for accept, media_type in (
        ("*/*", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
    ):
        answer = await app.ask("GET", "/metrics", headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_an_address_of_its_own_needs_no_key_and_has_metrics_alone(tmp_path: Path) -> None:
    settings = {"PGVEND_PROVIDER": "memory", "PGVEND_ADMIN_KEY": ADMIN_KEY}
    async with (
        running_service(tmp_path, PGVEND_METRICS_LISTEN="127.0.0.1:0", **settings) as service,
        aiohttp.ClientSession() as client,
    ):
        address = (await service.wait_for_output(r"metrics +(http://\S+)/metrics"))[1]
        async with client.get(f"{service.url}/metrics") as refused:
            assert refused.status == 401
        async with client.get(f"{address}/metrics") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            metrics = parse_metrics(await answer.text())
            assert metrics[REQUESTS, "method=GET", "route=/metrics", "status=401"] == 1
        async with client.get(f"{address}/v1/databases") as missing:
            assert (missing.status, (await missing.json())["code"]) == (404, "not_found")
        async with client.post(f"{address}/metrics") as unsupported:
            assert unsupported.status == 405
        assert await service.stop() == 0
