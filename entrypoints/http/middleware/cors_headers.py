"""Request headers that a page of an allowed origin may send."""

import re

from entrypoints.http.api.headers import IDEMPOTENCY_KEY, REQUEST_ID_HEADER

API_HEADERS = (
    "Authorization",
    "Content-Type",
    IDEMPOTENCY_KEY,
    "If-Match",
    "Last-Event-ID",
    "Prefer",
    REQUEST_ID_HEADER,
)

_TRACING_NAMES = frozenset(
    {"b3", "baggage", "correlation-context", "newrelic", "request-context", "request-id", "sw8"}
    | {"adrum", "adrum_1", "x-correlation-id", "x-dtpc"}
)
_TRACING_FAMILIES = (
    *("x-b3-", "x-datadog-", "x-instana-", "x-newrelic-", "ot-baggage-", "ot-tracer-"),
    *("uberctx-", "sw8-", "x-highlight-"),
)
_TRACING_WORD = re.compile(
    r"(^|[-_])(trace|traceid|traceparent|tracestate|tracing|span|spanid|baggage)($|[-_])"
)


def is_tracing(name: str) -> bool:
    """Return whether tracing tools add this header to every request of a page.

    Such a header names the trace of a request. It is safe: neither pgvend nor a proxy derives the
    caller, the address or the method from it. Unknown headers are refused, because a proxy may
    trust some of them (X-Remote-User, X-HTTP-Method-Override) from inside the network, where a
    visitor's browser may be.
    """
    name = name.lower()
    is_known = name in _TRACING_NAMES or name.startswith(_TRACING_FAMILIES)
    return is_known or bool(_TRACING_WORD.search(name))
