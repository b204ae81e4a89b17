"""The table of all routes; the application, the scopes and the OpenAPI document derive from it."""

from aiohttp import web

from entrypoints.http.access_routes import ACCESS_ROUTES
from entrypoints.http.audit_event_routes import AUDIT_EVENT_ROUTES
from entrypoints.http.database_routes import DATABASE_ROUTES
from entrypoints.http.extension_routes import EXTENSION_ROUTES
from entrypoints.http.route import Route
from entrypoints.http.service_routes import SERVICE_ROUTES

ROUTES: tuple[Route, ...] = (
    *DATABASE_ROUTES,
    *EXTENSION_ROUTES,
    *ACCESS_ROUTES,
    *AUDIT_EVENT_ROUTES,
    *SERVICE_ROUTES,
)

_BY_HANDLER = {route.handler: route for route in ROUTES}


def route_of(request: web.Request) -> Route | None:
    """Return the route of a request, None if the address or the method is unknown."""
    return _BY_HANDLER.get(request.match_info.handler)
