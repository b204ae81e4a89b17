"""Preflights: a browser asks whether a page of another origin may send a request."""

from collections.abc import Collection, Iterable

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from entrypoints.http.cors_headers import OF_THE_API, is_tracing
from entrypoints.setting_types import ANY_ORIGIN

LONGEST_SHOWN = 200
"""Characters of what a caller sent that an error and the log repeat."""


class PreflightRefused(Forbidden):
    """A page of that origin may not send that request."""

    code = "preflight_refused"


def checked_preflights(origins: Collection[str], headers: Collection[str]) -> Middleware:
    """Refuse preflights for other `origins`, for methods that the address does not have, and for
    headers that are neither of the API, nor of a tracing tool, nor the operator's `headers`."""
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
    """Return why the preflight is refused, and what to do; nothing when it is not."""
    origin = request.headers.get(hdrs.ORIGIN)
    method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    if not origin or not method:
        return (
            "OPTIONS is for preflights: send Origin and Access-Control-Request-Method, as browsers "
            "do."
        )
    if not {origin, ANY_ORIGIN} & set(origins):
        return _refused_origin(_shown(origin))
    if method not in (methods := _methods(request)):
        return f"{_shown(method)} is not allowed here; use {', '.join(sorted(methods))}."
    if refused := [name for name in _requested(request) if not _is_safe(name, accepted)]:
        return (
            f"Pages of {_shown(origin)} may not send the header {_shown(', '.join(refused))}: "
            "leave it out, or add it to PGVEND_CORS_ALLOW_HEADERS. They may send "
            f"{', '.join(OF_THE_API)}, and the headers of tracing tools."
        )
    return ""


def _refused_origin(origin: str) -> str:
    if origin == "null":
        return (
            "Pages of the origin null (a file, a sandboxed frame) may not ask: serve the page by "
            "HTTP, and add its origin to CORS_ALLOW_ORIGINS."
        )
    return f"Pages of the origin {origin} may not ask: add it to CORS_ALLOW_ORIGINS."


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
    """What a caller sent, in plain ASCII without control characters."""
    return text[:LONGEST_SHOWN].encode("unicode_escape").decode()
