"""CORS preflights: browsers ask whether a page of another origin may send a request."""

import re
from collections.abc import Collection, Iterable

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from entrypoints.config.field_types import ANY_ORIGIN
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

MAX_QUOTED_LENGTH = 200
"""Maximum number of characters of a request that an error or the log quotes."""


class PreflightRefused(Forbidden):
    """A page of this origin may not send this request."""

    code = "preflight_refused"


def check_preflights(origins: Collection[str], headers: Collection[str]) -> Middleware:
    """Refuse preflights of other origins than `origins`, of unsupported methods, and of headers
    that belong neither to the API, nor to a tracing tool, nor to the operator's `headers`."""
    safe_headers = {name.lower() for name in (*API_HEADERS, *headers)}

    @web.middleware
    async def check_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_preflight = request.method == hdrs.METH_OPTIONS
        has_address = request.match_info.http_exception is None
        if (
            is_preflight
            and has_address
            and (reason := _find_refusal(request, origins, safe_headers))
        ):
            _log_refusal(request, reason)
            raise PreflightRefused(reason)
        return await handler(request)

    return check_preflight


def _find_refusal(request: web.Request, origins: Collection[str], safe_headers: set[str]) -> str:
    """Return the reason for a refusal and its fix, an empty string if the preflight is allowed."""
    origin = request.headers.get(hdrs.ORIGIN)
    method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    if not origin or not method:
        return (
            "OPTIONS is only supported for preflights: send the headers Origin and "
            "Access-Control-Request-Method."
        )
    if not {origin, ANY_ORIGIN} & set(origins):
        return _explain_refused_origin(_escape(origin))
    if method not in (methods := _find_methods(request)):
        return f"{_escape(method)} is not allowed here; use {', '.join(sorted(methods))}."
    if unsafe := [
        name for name in _parse_requested_headers(request) if not _is_safe(name, safe_headers)
    ]:
        return (
            f"Pages of {_escape(origin)} may not send the header {_escape(', '.join(unsafe))}: "
            "omit it, or add it to PGVEND_CORS_ALLOW_HEADERS. Allowed headers are "
            f"{', '.join(API_HEADERS)}, and those of tracing tools."
        )
    return ""


def _explain_refused_origin(origin: str) -> str:
    if origin == "null":
        return (
            "Pages of the origin null (a file, a sandboxed frame) may not send requests: serve the "
            "page over HTTP, and add its origin to CORS_ALLOW_ORIGINS."
        )
    return f"Pages of the origin {origin} may not send requests: add it to CORS_ALLOW_ORIGINS."


def _log_refusal(request: web.Request, reason: str) -> None:
    origin = _escape(request.headers.get(hdrs.ORIGIN, ""))
    structlog.get_logger().warning("cors.refused", origin=origin, detail=reason)


def _find_methods(request: web.Request) -> set[str]:
    resource = request.match_info.route.resource
    routes: Iterable[web.AbstractRoute] = resource or ()
    return {route.method for route in routes} - {hdrs.METH_OPTIONS}


def _parse_requested_headers(request: web.Request) -> list[str]:
    names = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "").split(",")
    return [name.strip() for name in names if name.strip()]


def _is_safe(name: str, safe_headers: set[str]) -> bool:
    return name.lower() in safe_headers or _is_tracing(name)


def _is_tracing(name: str) -> bool:
    """Return whether tracing tools add this header to every request of a page.

    Such a header names the trace of a request. It is safe: neither pgvend nor a proxy derives the
    caller, the address or the method from it. Unknown headers are refused, because a proxy may
    trust some of them (X-Remote-User, X-HTTP-Method-Override) from inside the network, where a
    visitor's browser may be.
    """
    name = name.lower()
    is_known = name in _TRACING_NAMES or name.startswith(_TRACING_FAMILIES)
    return is_known or bool(_TRACING_WORD.search(name))


def _escape(text: str) -> str:
    """Return the text as plain ASCII without control characters."""
    return text[:MAX_QUOTED_LENGTH].encode("unicode_escape").decode()
