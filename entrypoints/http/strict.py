"""What is said in vain is refused."""

from aiohttp import web
from aiohttp.typedefs import Handler

from domain.errors import InvalidRequest
from entrypoints.http.route import Route
from entrypoints.http.routes import route_of

OURS = "/v1/"
"""The original route passes over what it does not know, as it always did."""


@web.middleware
async def understood(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a call through whose query parameters all have an effect: a misspelt one would have none,
    nor would the second of two."""
    route = route_of(request)
    if route and route.path.startswith(OURS) and request.query:
        _check_query(request, route)
    return await handler(request)


def _check_query(request: web.Request, route: Route) -> None:
    queries = (parameter for parameter in route.parameters if parameter.place == "query")
    is_list = {parameter.name: parameter.schema["type"] == "array" for parameter in queries}
    for name in request.query:
        if name not in is_list:
            raise InvalidRequest(f"There is no query parameter {name[:63]!r}.")
        if not is_list[name] and len(request.query.getall(name)) > 1:
            raise InvalidRequest(f"Send one {name}, not several.")
