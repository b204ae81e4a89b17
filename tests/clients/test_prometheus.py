"""Prometheus and its tools: they read the metrics, the dashboard and the alerts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # its types are a separate package
from aiohttp import ClientSession

from adapters.metrics.prometheus import PrometheusMetrics
from tests.support.command_line import find_program, run_program
from tests.support.documents import list_blocks
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, running_keyed_app
from tests.support.metrics import use_every_metric
from tests.support.polling import wait_until
from tests.support.servers import find_free_port
from tests.support.service import REPOSITORY
from tests.unit.deploy.queries import ALERTS, list_alert_queries, list_panel_queries

SCENARIOS = Path(__file__).parent / "prometheus/scenarios.yml"

PAGE = REPOSITORY / "docs/operations/monitoring.md"

QUERIES = [*list_panel_queries(), *list_alert_queries()]


async def test_each_alert_fires_in_its_scenario_and_none_in_a_healthy_service() -> None:
    result = await run_program(find_program("promtool"), "test", "rules", str(SCENARIOS))
    assert result.status == 0, result.stdout + result.stderr


def test_there_is_a_scenario_for_each_alert() -> None:
    scenarios = yaml.safe_load(SCENARIOS.read_text())["tests"]
    tested = {each["alertname"] for one in scenarios for each in one.get("alert_rule_test", [])}
    assert tested == {query.name for query in list_alert_queries()}


async def test_the_metrics_follow_the_conventions_that_promtool_checks() -> None:
    metrics = PrometheusMetrics()
    use_every_metric(metrics)
    text = metrics.render("").body.decode()
    result = await run_program(find_program("promtool"), "check", "metrics", stdin=text)
    assert (result.status, result.stdout, result.stderr) == (0, "", "")


@asynccontextmanager
async def running_prometheus(folder: Path, app: KeyedApp) -> AsyncIterator[ClientSession]:
    """Run Prometheus with the alerts, which collects from the service with the admin key."""
    program, port = find_program("prometheus"), find_free_port()
    key, file = folder / "key", folder / "prometheus.yml"
    key.write_text(ADMIN_KEY)
    file.write_text(yaml.safe_dump(_configure(app.app.port, key)))
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _configure(port: int, key: Path) -> dict[str, Any]:
    """Return the configuration of the documentation, for this service."""
    [block] = [each for each in list_blocks(PAGE) if each.language == "yaml"]
    configuration = yaml.safe_load(block.text)
    [job] = configuration["scrape_configs"]
    job["authorization"]["credentials_file"] = str(key)
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    timing = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    return {"global": timing, "rule_files": [str(ALERTS)], **configuration}


async def ask(client: ClientSession, query: str) -> Any:
    """Return the results of a query; None if Prometheus does not answer yet."""
    try:
        async with client.get("/api/v1/query", params={"query": query}) as response:
            if response.status == 503:
                return None
            body = await response.json()
    except OSError:
        return None
    assert body["status"] == "success", body
    return body["data"]["result"]


@pytest.fixture
async def guarded() -> AsyncIterator[KeyedApp]:
    async with running_keyed_app(spare_counts={"default": 1}) as guarded:
        yield guarded


async def test_prometheus_collects_and_answers_every_query(
    guarded: KeyedApp, tmp_path: Path
) -> None:
    await guarded.admin.create_database()
    async with running_prometheus(tmp_path, guarded) as client:

        async def has_two_samples() -> bool:
            found = await ask(client, 'count_over_time(pgvend_databases{state="ready"}[1m]) > 1')
            return bool(found)

        await wait_until(has_two_samples)

        [ready] = await ask(client, 'pgvend_databases{job="pgvend", state="ready"}')
        assert ready["value"][1] == "1"
        for query in QUERIES:
            assert await ask(client, query.text) is not None
        [created] = await ask(client, 'pgvend_creations_total{outcome="done"}')
        assert created["metric"]["path"] in {"cold", "pooled"}
        async with client.get("/api/v1/rules") as response:
            [group] = (await response.json())["data"]["groups"]
        assert {rule["health"] for rule in group["rules"]} == {"ok"}
        assert "firing" not in {rule["state"] for rule in group["rules"]}
