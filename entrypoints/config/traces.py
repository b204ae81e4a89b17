"""Whether traces are exported, and to which address, by OpenTelemetry's variables.

They are read from the environment only, where OpenTelemetry reads them itself: not from `.env`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from domain.errors import StartupError

PREFIX = "OTEL_"

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

PROTOCOL = "http/protobuf"

_TRACES_PATH = "/v1/traces"


def find_trace_endpoint(variables: Mapping[str, str]) -> str | None:
    """Return the URL to which spans are sent; None if none is set, or traces are switched off.

    Raises StartupError for an invalid URL, and for a way of export that pgvend does not have.
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
    return url if name == TRACES_ENDPOINT else url.rstrip("/") + _TRACES_PATH


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
