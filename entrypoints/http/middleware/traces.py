"""A span for each request, if traces are exported."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entrypoints.http.api.context import REQUEST_ID
from entrypoints.http.api.routes.table import find_route
from entrypoints.http.middleware.request_log import is_quiet
from entrypoints.wiring.tracing import Tracing

PARENT = "traceparent"


def trace_requests(tracing: Tracing) -> Middleware:
    """Continue the caller's trace, or begin one, and add its id to all log lines. Requests that
    monitoring and pages make every few seconds have none."""

    @web.middleware
    async def trace_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_quiet(request):
            return await handler(request)
        route = find_route(request)
        path = route.path if route else None
        parents = request.headers.getall(PARENT, [])
        with tracing.trace_request(request.method, path, request[REQUEST_ID], parents) as trace:
            structlog.contextvars.bind_contextvars(trace_id=trace.trace_id)
            response = await handler(request)
            trace.finish(response.status)
            return response

    return trace_request
