"""CORS preflights: browsers ask whether a page of another origin may send a request."""

from collections.abc import Collection, Iterable

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from entrypoints.config.field_types import ANY_ORIGIN
from entrypoints.http.middleware.cors_headers import OF_THE_API, is_tracing

LONGEST_SHOWN = 200
"""Maximum number of characters of a request that an error or the log quotes."""


class PreflightRefused(Forbidden):
    """A page of this origin may not send this request."""

    code = "preflight_refused"


def checked_preflights(origins: Collection[str], headers: Collection[str]) -> Middleware:
    """Refuse preflights of other origins than `origins`, of unsupported methods, and of headers
    that belong neither to the API, nor to a tracing tool, nor to the operator's `headers`."""
    accepted = {name.lower() for name in (*OF_THE_API, *headers)}

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_preflight = request.method == hdrs.METH_OPTIONS
        has_address = request.match_info.http_exception is None
        if is_preflight and has_address and (reason := _refusal(request, origins, accepted)):
            _log(request, reason)
            raise PreflightRefused(reason)
        return await handler(request)

    return checked


def _refusal(request: web.Request, origins: Collection[str], accepted: set[str]) -> str:
    """Return the reason for a refusal and its fix, an empty string if the preflight is allowed."""
    origin = request.headers.get(hdrs.ORIGIN)
    method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    if not origin or not method:
        return (
            "OPTIONS is only supported for preflights: send the headers Origin and "
            "Access-Control-Request-Method."
        )
    if not {origin, ANY_ORIGIN} & set(origins):
        return _refused_origin(_shown(origin))
    if method not in (methods := _methods(request)):
        return f"{_shown(method)} is not allowed here; use {', '.join(sorted(methods))}."
    if refused := [name for name in _requested(request) if not _is_safe(name, accepted)]:
        return (
            f"Pages of {_shown(origin)} may not send the header {_shown(', '.join(refused))}: "
            "omit it, or add it to PGVEND_CORS_ALLOW_HEADERS. Allowed headers are "
            f"{', '.join(OF_THE_API)}, and those of tracing tools."
        )
    return ""


def _refused_origin(origin: str) -> str:
    if origin == "null":
        return (
            "Pages of the origin null (a file, a sandboxed frame) may not send requests: serve the "
            "page over HTTP, and add its origin to CORS_ALLOW_ORIGINS."
        )
    return f"Pages of the origin {origin} may not send requests: add it to CORS_ALLOW_ORIGINS."


def _log(request: web.Request, reason: str) -> None:
    origin = _shown(request.headers.get(hdrs.ORIGIN, ""))
    structlog.get_logger().warning("cors.refused", origin=origin, detail=reason)


def _methods(request: web.Request) -> set[str]:
    resource = request.match_info.route.resource
    routes: Iterable[web.AbstractRoute] = resource or ()
    return {route.method for route in routes} - {hdrs.METH_OPTIONS}


def _requested(request: web.Request) -> list[str]:
    names = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "").split(",")
    return [name.strip() for name in names if name.strip()]


def _is_safe(name: str, accepted: set[str]) -> bool:
    return name.lower() in accepted or is_tracing(name)


def _shown(text: str) -> str:
    """Return the text as plain ASCII without control characters."""
    return text[:LONGEST_SHOWN].encode("unicode_escape").decode()
