"""Whether traces are exported, and to which address, by OpenTelemetry's variables.

They are read from the environment only, where OpenTelemetry reads them itself: not from `.env`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from domain.errors import StartupError
from domain.secrets import Secret
from entrypoints.config.secret_files import SUFFIX, read_secret_file

PREFIX = "OTEL_"

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
"""Variables with the headers for the collector, which can hold a key; the first has precedence."""

PROTOCOL = "http/protobuf"

_TRACES_PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class TraceExport:
    """Where spans are sent. `headers` are those of a file, in the format of the variables;
    OpenTelemetry reads the others itself."""

    endpoint: str
    headers: Secret | None = None


def find_trace_export(variables: Mapping[str, str]) -> TraceExport | None:
    """Return where spans are sent; None if no endpoint is set, or traces are switched off.

    Raises StartupError for an invalid URL, for a way of export that pgvend does not have, and for a
    file of headers that cannot be used.
    """
    exporter = variables.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter == "none" or variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    name = TRACES_ENDPOINT if variables.get(TRACES_ENDPOINT) else ENDPOINT
    if not (url := variables.get(name, "").strip()):
        return None
    if exporter not in {"", "otlp"}:
        raise StartupError("OTEL_TRACES_EXPORTER: pgvend exports by otlp. Set it to otlp or none.")
    _check_protocol(variables)
    _check_url(name, url)
    endpoint = url if name == TRACES_ENDPOINT else url.rstrip("/") + _TRACES_PATH
    return TraceExport(endpoint, _read_headers(variables))


def _read_headers(variables: Mapping[str, str]) -> Secret | None:
    """Return the headers, if they are in a file. Raises StartupError."""
    for name in HEADERS:
        variable = f"{name}{SUFFIX}"
        if file := variables.get(variable):
            if variables.get(name):
                raise StartupError(f"{variable}: {name} is set too. Remove one of them.")
            try:
                return Secret(read_secret_file(Path(file), name))
            except ValueError as error:
                raise StartupError(f"{variable}: {error}") from None
        if variables.get(name):
            return None
    return None


def _check_protocol(variables: Mapping[str, str]) -> None:
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := variables.get(name, "").strip():
            if protocol.lower() == PROTOCOL:
                return
            raise StartupError(
                f"{name}: pgvend exports by {PROTOCOL} only. Set it to {PROTOCOL}, and the "
                "endpoint to the collector's port for it, such as 4318."
            )


def _check_url(name: str, url: str) -> None:
    """The error does not repeat the URL, which can hold a key."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise StartupError(
            f"{name}: not a URL. Set it to the address of an OpenTelemetry collector, such as "
            "http://127.0.0.1:4318, or unset it."
        )
