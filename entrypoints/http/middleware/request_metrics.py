"""Metrics of requests."""

import time

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from entrypoints.http.api.routes.table import find_route
from ports.driven.metrics import Metrics

UNKNOWN = "unknown"
"""The route of all other addresses, and the method of all others than these."""

_METHODS = frozenset(
    {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_POST, hdrs.METH_PUT}
    | {hdrs.METH_PATCH, hdrs.METH_DELETE}
)


def count_requests(metrics: Metrics) -> Middleware:
    """Count requests by method, route and status: the path of the route and not that of the
    request, which a caller chooses."""

    @web.middleware
    async def count_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        started_at = time.perf_counter()
        response = await handler(request)
        seconds = time.perf_counter() - started_at
        is_stream = not isinstance(response, web.Response)
        route = find_route(request)
        metrics.count_request(
            request.method if request.method in _METHODS else UNKNOWN,
            route.path if route else UNKNOWN,
            response.status,
            None if is_stream else seconds,
        )
        return response

    return count_request
