"""Rejection of unknown or repeated query parameters."""

from aiohttp import web
from aiohttp.typedefs import Handler

from domain.errors import InvalidRequest
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import find_route


@web.middleware
async def reject_unknown_query(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject unknown or repeated query parameters, which would have no effect."""
    route = find_route(request)
    if route and route.is_strict and request.query:
        _check_query(request, route)
    return await handler(request)


def _check_query(request: web.Request, route: Route) -> None:
    queries = (parameter for parameter in route.parameters if parameter.place == "query")
    is_list = {parameter.name: parameter.schema["type"] == "array" for parameter in queries}
    for name in request.query:
        if name not in is_list:
            raise InvalidRequest(f"{name[:63]!r} is not a query parameter of this route.")
        if not is_list[name] and len(request.query.getall(name)) > 1:
            raise InvalidRequest(f"Send the query parameter {name} only once.")
