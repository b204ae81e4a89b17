"""Where traces go, by OpenTelemetry's variables; and the spans of use cases."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from domain.errors import DatabaseNotFound, ProviderBusy, ProviderRejected, StartupError
from domain.secrets import Secret
from entrypoints.config.traces import find_trace_export
from entrypoints.wiring.tracing import Tracing, open_tracing, use_case
from tests.support.service import REPOSITORY
from tests.support.tracing import RecordedSpans, recording_spans

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
URL = "http://127.0.0.1:4318"
FULL = "https://collector.example/key"

ENDPOINTS: dict[str, tuple[dict[str, str], str | None]] = {
    "nothing is set": ({}, None),
    "an empty variable": ({BASE: ""}, None),
    "other variables": ({"OTEL_SERVICE_NAME": "pgvend"}, None),
    "an address": ({BASE: URL}, f"{URL}/v1/traces"),
    "an address with a slash": ({BASE: f"{URL}/"}, f"{URL}/v1/traces"),
    "an address for traces": ({TRACES: FULL}, FULL),
    "both": ({BASE: URL, TRACES: FULL}, FULL),
    "the protocol": ({BASE: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, URL),
    "otlp": ({BASE: URL, "OTEL_TRACES_EXPORTER": "otlp"}, URL),
    "no exporter": ({BASE: URL, "OTEL_TRACES_EXPORTER": "none"}, None),
    "switched off": ({BASE: URL, "OTEL_SDK_DISABLED": "true"}, None),
}


@pytest.mark.parametrize(("variables", "endpoint"), ENDPOINTS.values(), ids=list(ENDPOINTS))
def test_an_endpoint_switches_traces_on(variables: dict[str, str], endpoint: str | None) -> None:
    found = find_trace_export(variables)
    assert (found and found.endpoint) == (f"{URL}/v1/traces" if endpoint == URL else endpoint)


MISTAKES = [
    ({BASE: "collector-hunter2"}, BASE),
    ({BASE: "grpc://collector:4317"}, BASE),
    ({TRACES: "http://[hunter2"}, TRACES),
    ({BASE: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
    ({BASE: URL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "http/protobuf"),
    ({BASE: URL, "OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
]


@pytest.mark.parametrize(("variables", "named"), MISTAKES)
def test_a_way_of_export_that_pgvend_lacks_is_an_error(
    variables: dict[str, str], named: str
) -> None:
    with pytest.raises(StartupError, match=named) as refused:
        find_trace_export(variables)
    assert "hunter2" not in str(refused.value)


FILE = "OTEL_EXPORTER_OTLP_HEADERS_FILE"


def test_headers_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("authorization=Bearer%20hunter2\n")
    variables = {BASE: URL, FILE: str(file)}
    export = find_trace_export(variables)
    specific = find_trace_export(variables | {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b"})
    assert export
    assert export.headers == Secret("authorization=Bearer%20hunter2")
    assert specific
    assert specific.headers is None


@pytest.mark.parametrize(
    ("content", "more", "problem"),
    [
        (None, {}, "cannot be read"),
        ("", {}, "is empty"),
        ("a=hunter2", {"OTEL_EXPORTER_OTLP_HEADERS": "a=hunter3"}, "is set too"),
    ],
)
def test_a_file_of_headers_that_cannot_be_used_is_an_error(
    tmp_path: Path, content: str | None, more: dict[str, str], problem: str
) -> None:
    file = tmp_path / "headers"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StartupError, match=problem) as refused:
        find_trace_export({BASE: URL, FILE: str(file), **more})
    assert FILE in str(refused.value)
    assert "hunter" not in str(refused.value)


def test_without_an_endpoint_there_are_no_traces() -> None:
    with open_tracing({}) as tracing:
        assert tracing is None


WITHOUT_EXTRA = f"""
import sys
sys.modules["opentelemetry"] = sys.modules["requests"] = None
from domain.errors import StartupError
from entrypoints.wiring.tracing import open_tracing
try:
    with open_tracing({{"{BASE}": "{URL}"}}):
        pass
except StartupError as error:
    print(error)
"""


def test_an_endpoint_without_the_libraries_is_an_error() -> None:
    assert "install pgvend[traces]" in _run(WITHOUT_EXTRA)


LOADED = """
import sys
import entrypoints.cli.run_service
print([name for name in sys.modules if name.startswith(("adapters.tracing", "opentelemetry"))])
"""


def test_a_service_without_traces_does_not_load_opentelemetry() -> None:
    assert _run(LOADED).strip() == "[]"


def _run(program: str) -> str:
    return subprocess.check_output([sys.executable, "-c", program], cwd=REPOSITORY, text=True)


@dataclass
class Greet:
    """A use case."""

    names: list[str] = field(default_factory=list)

    async def __call__(self, name: str, *, error: Exception | None = None) -> str:
        if error:
            raise error
        self.names.append(name)
        return f"Hello {name}"

    async def forget(self) -> None:
        self.names.clear()

    def count(self) -> int:
        return len(self.names)


@dataclass
class UseCases:
    tracing: Tracing | None

    @use_case
    def greet(self) -> Greet:
        return Greet()

    @use_case
    def leave(self) -> Greet | None:
        return None


async def test_each_call_of_a_use_case_has_a_span_and_its_result() -> None:
    with recording_spans() as spans:
        greet = UseCases(spans.tracing).greet
        assert await greet("Ann") == "Hello Ann"
        assert (greet.count(), greet.names) == (1, ["Ann"])
        await greet.forget()
    assert (greet.count(), list(spans.tree())) == (0, ["Greet", "Greet.forget"])
    assert "Ann" not in repr([span.to_json() for span in spans.list()])


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (DatabaseNotFound("hunter2"), "database_not_found", StatusCode.UNSET),
        (ProviderBusy("hunter2"), "provider_busy", StatusCode.ERROR),
        (ProviderRejected("hunter2"), "provider_rejected", StatusCode.ERROR),
        (ValueError("hunter2"), "ValueError", StatusCode.ERROR),
    ],
)
async def test_an_error_of_a_use_case_passes_and_its_code_is_recorded(
    error: Exception, code: str, status: StatusCode
) -> None:
    with recording_spans() as spans, pytest.raises(type(error)) as raised:
        await UseCases(spans.tracing).greet("Ann", error=error)
    span = spans.find("Greet")
    assert raised.value is error
    assert (_read(spans), span.status.status_code) == ({"error.type": code}, status)
    assert "hunter2" not in span.to_json()


def test_a_use_case_that_is_switched_off_stays_so() -> None:
    with recording_spans() as spans:
        assert UseCases(spans.tracing).leave is None


def test_without_traces_a_use_case_is_not_wrapped() -> None:
    use_cases = UseCases(None)
    assert type(use_cases.greet) is Greet
    assert use_cases.greet is use_cases.greet


def _read(spans: RecordedSpans) -> dict[str, Any]:
    return dict(spans.find("Greet").attributes or {})
