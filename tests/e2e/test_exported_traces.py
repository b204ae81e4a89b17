"""Traces that `pgvend serve` exports to a collector, down to its requests to Neon."""

from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.e2e.test_neon_service import variables
from tests.support.neon.emulator import RunningEmulator
from tests.support.service import running_service
from tests.support.service_client import create_database
from tests.support.tracing import Collector, running_collector


async def test_a_service_exports_its_traces_until_it_stops(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    async with running_collector() as collector:
        settings = variables(neon, PGVEND_NEON_ISOLATION="none")
        exported = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "shop"}
        async with running_service(tmp_path, **settings, **exported) as service:
            await create_database(service)
            assert await service.stop() == 0

    names = {span.name for span in _select_trace_of(collector, "POST /v1/databases")}
    assert {"CreateDatabase", "provider.provision", "login_check.verify", "POST"} <= names
    assert {resource["service.name"] for resource in collector.resources} == {"shop"}
    assert neon.key.encode() not in b"".join(collector.bodies)


def _select_trace_of(collector: Collector, name: str) -> list[Span]:
    [first] = [span for span in collector.spans if span.name == name]
    return [span for span in collector.spans if span.trace_id == first.trace_id]
